#include "compare/compare_folder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using Json = nlohmann::json;

class CompareFolderTest : public testing::Test {
 protected:
  // Makes `value`; counts.
  std::function<Json()> making(int value) {
    return [this, value] {
      ++made_;
      return Json(value);
    };
  }
  template <typename Body>
  static std::string error_of(const Body& body) {
    try {
      body();
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  io_test::TempDir dir_;
  NoProgress progress_;
  int made_ = 0;
};

TEST_F(CompareFolderTest, MakesEachResultOnce) {
  const Json job = {{"lr", 1}};
  {
    CompareFolder folder(dir_ / "out", {}, progress_, false);
    EXPECT_TRUE(folder.finished("cells/a", job, "").is_null());
    EXPECT_EQ(folder.result("cells/a", job, "", making(7)), 7);
  }
  CompareFolder again(dir_ / "out", {}, progress_, false);
  EXPECT_EQ(again.result("cells/a", job, "", making(8)), 7);
  EXPECT_EQ(again.finished("cells/a", job, ""), 7);
  EXPECT_EQ(made_, 1);
}

TEST_F(CompareFolderTest, AResultWithoutItsFileIsKept) {
  CompareFolder folder(dir_ / "out", {}, progress_, false);
  EXPECT_EQ(folder.result("cells/a", {{"lr", 1}}, "cells/a/lqlora.json", making(7)), 7);
  EXPECT_EQ(folder.result("cells/a", {{"lr", 1}}, "cells/a/lqlora.json", making(8)), 7);
}

TEST_F(CompareFolderTest, AnotherConfigIsAnotherJobButOlderResultsDoNotSay) {
  CompareFolder folder(dir_ / "out", {}, progress_, false);
  const auto job = [](const char* config) {
    return Json{{"base", {{"common", {{"model", "m"}, {"config_hash", config}}}}}};
  };
  folder.result("cells/old", {{"base", {{"common", {{"model", "m"}}}}}}, "", making(7));
  EXPECT_EQ(folder.result("cells/old", job("x"), "", making(8)), 7);
  folder.result("cells/new", job("x"), "", making(7));
  EXPECT_NE(error_of([&] { folder.result("cells/new", job("y"), "", making(8)); }).find("another recipe"),
            std::string::npos);
}

TEST_F(CompareFolderTest, RefusesAnotherJobByNameUnlessOverwriting) {
  {
    CompareFolder folder(dir_ / "out", {}, progress_, false);
    folder.result("cells/a", {{"lr", 1}}, "", making(7));
    const std::string error = error_of([&] { folder.result("cells/a", {{"lr", 2}}, "", making(8)); });
    EXPECT_NE(error.find("cells/a.json: was made by another recipe (lr was 1, now 2)"), std::string::npos)
        << error;
  }
  CompareFolder over(dir_ / "out", {}, progress_, true);
  EXPECT_EQ(over.result("cells/a", {{"lr", 2}}, "", making(8)), 8);
}

TEST_F(CompareFolderTest, AChangedFileIsMadeAgain) {
  CompareFolder folder(dir_ / "out", {}, progress_, false);
  const auto make = [&] {
    ++made_;
    io_test::put_file(folder.path("shared/f"), "whole");
    return Json(1);
  };
  folder.result("shared/s", {}, "shared/f", make);
  folder.result("shared/s", {}, "shared/f", make);
  EXPECT_EQ(made_, 1);
  io_test::put_file(folder.path("shared/f"), "other");
  folder.result("shared/s", {}, "shared/f", make);
  std::filesystem::remove(folder.path("shared/f"));
  folder.result("shared/s", {}, "shared/f", make);
  EXPECT_EQ(made_, 3);
  EXPECT_EQ(io_test::get_file(folder.path("shared/f")), "whole");
}

TEST_F(CompareFolderTest, RefusesFoldersOfOthersAndASecondProcess) {
  io_test::put_file(dir_ / "mine/letter.txt", "dear");
  EXPECT_NE(error_of([&] {
              CompareFolder(dir_ / "mine", {}, progress_, true);
            }).find("was not made by this program"),
            std::string::npos);
  EXPECT_NE(error_of([&] { CompareFolder(dir_ / "mine/letter.txt", {}, progress_, false); }), "none");
  CompareFolder first(dir_ / "out", {}, progress_, false);
  EXPECT_NE(error_of([&] { CompareFolder(dir_ / "out", {}, progress_, false); }).find("another process"),
            std::string::npos);
}

TEST_F(CompareFolderTest, ADamagedResultIsSaidToBeOne) {
  CompareFolder folder(dir_ / "out", {}, progress_, false);
  io_test::put_file(folder.path("cells/a.json"), "{\"job\": 1}");
  EXPECT_NE(
      error_of([&] { folder.result("cells/a", 1, "", making(1)); }).find("is no result of a comparison"),
      std::string::npos);
}

}  // namespace
}  // namespace lq
