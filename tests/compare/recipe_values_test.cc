#include "compare/recipe_values.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/io_test_util.h"

namespace lq {
namespace {

class RecipeValuesTest : public testing::Test {
 protected:
  template <typename Body>
  std::string error_of(const std::string& text, const Body& body) {
    TomlFile file(text, "r.toml");
    RecipeValues values(file, dir_.path());
    try {
      body(values);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  io_test::TempDir dir_;
};

TEST_F(RecipeValuesTest, PathsAreTheRecipesAndMustBeThere) {
  io_test::put_file(dir_ / "a.txt", "a");
  ::setenv("LQ_TEST_FOLDER", dir_.path().c_str(), 1);
  TomlFile file("p = \"a.txt\"\nq = \"${LQ_TEST_FOLDER}/a.txt\"\nall = [\"a.txt\", \"./a.txt\"]\n", "r.toml");
  RecipeValues values(file, dir_.path());
  std::filesystem::path p, q, none = "as it was";
  values.path("p", p);
  values.path("q", q);
  values.path("not there", none);
  EXPECT_EQ(p, std::filesystem::weakly_canonical(dir_ / "a.txt"));
  EXPECT_EQ(q, p);
  EXPECT_EQ(none, "as it was");
  EXPECT_EQ(values.existing_list("all"), (std::vector<std::filesystem::path>{p, p}));
  EXPECT_TRUE(values.existing_list("not there").empty());
  const auto read = [](const char* key) {
    return [key](RecipeValues& v) {
      std::filesystem::path unused;
      v.path(key, unused);
    };
  };
  EXPECT_EQ(error_of("p = \"b.txt\"\n", read("p")).rfind("r.toml:1: p names ", 0), 0U);
  EXPECT_EQ(error_of("\np = \"\"\n", read("p")), "r.toml:2: p is an empty path");
  EXPECT_EQ(error_of("p = \"${LQ_TEST_UNSET}\"\n", read("p")),
            "r.toml:1: p names the environment variable LQ_TEST_UNSET, which is not set");
  EXPECT_EQ(error_of("p = \"${A\"\n", read("p")), "r.toml:1: p holds '${' without '}'");
}

TEST_F(RecipeValuesTest, NumbersHaveBoundsAndListsHoldNothingTwice) {
  const auto read = [](std::int64_t least, std::int64_t most) {
    return [=](RecipeValues& v) {
      std::int64_t n = 7;
      v.integer("n", n, least, most);
      EXPECT_EQ(n, 3);
    };
  };
  EXPECT_EQ(error_of("n = 3\n", read(1, 3)), "none");
  EXPECT_EQ(error_of("n = 3\n", read(1, 2)), "r.toml:1: n is 3, but must be 1 to 2");
  EXPECT_EQ(error_of("n = 3\n", read(4, std::numeric_limits<std::int64_t>::max())),
            "r.toml:1: n is 3, but must be 4 or more");
  EXPECT_EQ(error_of("\n", [](RecipeValues& v) { v.require("n", "how many"); }),
            "r.toml: n is missing: how many");
  const auto check = [](const std::vector<int>& list) {
    return [list](RecipeValues& v) { v.check_list("n", list); };
  };
  EXPECT_EQ(error_of("n = 3\n", check({1, 2})), "none");
  EXPECT_EQ(error_of("n = 3\n", check({})), "r.toml:1: n is empty");
  EXPECT_EQ(error_of("n = 3\n", check({1, 2, 1})), "r.toml:1: n names something twice");
  EXPECT_EQ(
      error_of("n = 3\n",
               [](RecipeValues& v) { v.guard("n", [] { fail(ErrorCode::kNotFound, "nothing there"); }); }),
      "r.toml:1: n is wrong: nothing there");
}

}  // namespace
}  // namespace lq
