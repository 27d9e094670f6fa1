#include "jobs/stage_files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

struct Counted {
  int made = 0;
  std::string text = "what was computed";
  void operator()(const std::filesystem::path& path) {
    ++made;
    put_file(path, text);
  }
};

TEST(StageFiles, MakesOnceAndFindsAgain) {
  const TempDir dir;
  NoProgress progress;
  Counted make;
  const auto path = StageFiles(dir / "stages", progress).get("table.json", std::ref(make));
  EXPECT_EQ(get_file(path), make.text);
  EXPECT_EQ(StageFiles(dir / "stages", progress).get("table.json", std::ref(make)), path);
  EXPECT_EQ(make.made, 1);
}

TEST(StageFiles, DamageIsSeenAndMadeGood) {
  const TempDir dir;
  NoProgress progress;
  Counted make;
  StageFiles stages(dir / "stages", progress);
  const auto path = stages.get("stats", std::ref(make));
  put_file(path, "what was cOmputed");
  EXPECT_EQ(get_file(stages.get("stats", std::ref(make))), make.text);
  EXPECT_EQ(make.made, 2);
  std::filesystem::resize_file(path, 3);
  stages.get("stats", std::ref(make));
  EXPECT_EQ(make.made, 3);
  std::filesystem::remove(path);
  stages.get("stats", std::ref(make));
  EXPECT_EQ(make.made, 4);
}

TEST(StageFiles, AStageThatFailedIsMadeNextTime) {
  const TempDir dir;
  NoProgress progress;
  StageFiles stages(dir / "stages", progress);
  EXPECT_THROW(stages.get("stats",
                          [](const std::filesystem::path& path) {
                            put_file(path, "half");
                            fail(ErrorCode::kInterrupted, "stopped");
                          }),
               Error);
  Counted make;
  EXPECT_EQ(get_file(stages.get("stats", std::ref(make))), make.text);
  EXPECT_EQ(make.made, 1);
}

}  // namespace
}  // namespace lq
