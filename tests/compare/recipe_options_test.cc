#include "compare/recipe_options.h"

#include <gtest/gtest.h>

#include "files/options/option_values.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

struct Toy {
  std::int64_t steps = 4;
  double rate = 0.5;
  bool fast = false;
  std::vector<std::string> names;
  std::filesystem::path file;
};

void describe(OptionVisitor& v, Toy& toy) {
  v.option({.key = "steps", .help = "s"}, integer(toy.steps, 1, 100));
  v.option({.key = "rate", .help = "r", .aliases = {"speed"}, .excludes = {"fast"}},
           number(toy.rate, {.least = 0.0, .most = 1.0}));
  v.option({.key = "fast", .help = "f"}, flag(toy.fast));
  v.option({.key = "names", .help = "n"}, texts(toy.names));
  v.option({.key = "file", .help = "p"}, path(toy.file));
}

class RecipeOptionsTest : public testing::Test {
 protected:
  Toy read(const std::string& text, const std::set<std::string>& skip = {}) {
    TomlFile file(text, "r.toml");
    RecipeValues values(file, dir_.path());
    RecipeOptions options(values, "toy", skip);
    Toy toy;
    describe(options, toy);
    options.finish();
    file.refuse_unknown();
    return toy;
  }
  std::string error_of(const std::string& text, const std::set<std::string>& skip = {}) {
    try {
      read(text, skip);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  io_test::TempDir dir_;
};

TEST_F(RecipeOptionsTest, SetsWhatIsThereAndLeavesTheRest) {
  io_test::put_file(dir_ / "a.txt", "a");
  const Toy toy = read("[toy]\nspeed = 0.25\nfast = false\nnames = [\"a\", \"b\"]\nfile = \"a.txt\"\n");
  EXPECT_EQ(toy.steps, 4);
  EXPECT_EQ(toy.rate, 0.25);  // by its old name
  EXPECT_FALSE(toy.fast);     // false is not given, so nothing excludes it
  EXPECT_EQ(toy.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(toy.file, std::filesystem::weakly_canonical(dir_ / "a.txt"));
}

TEST_F(RecipeOptionsTest, RefusesWithTheLineOfTheKey) {
  EXPECT_EQ(error_of("[toy]\nsteps = 0\n").rfind("r.toml:2: toy.steps ", 0), 0U);
  EXPECT_EQ(error_of("[toy]\nsteps = \"x\"\n").rfind("r.toml:2: toy.steps is text", 0), 0U);
  EXPECT_EQ(error_of("[toy]\nrate = 0.1\nfast = true\n").find("exclude each other") == std::string::npos,
            false);
  EXPECT_NE(error_of("[toy]\nrate = 0.1\nspeed = 0.2\n").find("are one and the same"), std::string::npos);
  EXPECT_EQ(error_of("[toy]\nstep = 3\n"),
            "r.toml:2: toy.step is not known here (did you mean 'toy.steps'?)");
  EXPECT_EQ(error_of("[toy]\nsteps = 3\n", {"steps"}).rfind("r.toml:2: toy.steps is not known here", 0), 0U);
}

}  // namespace
}  // namespace lq
