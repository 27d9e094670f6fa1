// One description, every reader: the same words on the command line and in a recipe give the same options and
// the same identity.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/option_flags.h"
#include "cli/toy_options.h"
#include "compare/recipe_options.h"
#include "files/options/job_identity.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using test::ToyOptions;

nlohmann::json identity_of(ToyOptions o) {
  return with_identity({{"verb", "toy"}}, [&o](OptionVisitor& v) { describe(v, o); });
}

ToyOptions from_flags(std::vector<std::string> words) {
  ToyOptions o;
  GivenOptions given;
  CLI::App app("toy");
  cli::OptionFlags flags(app, given);
  describe(flags, o);
  flags.finish();
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return o;
}

class ReadersTest : public testing::Test {
 protected:
  ReadersTest() { io_test::put_file(dir_ / "model", "x"); }
  ToyOptions from_recipe(const std::string& text) const {
    ToyOptions o;
    TomlFile file(text, "r.toml");
    RecipeValues values(file, dir_.path());
    RecipeOptions reader(values, "toy", {"out"});
    describe(reader, o);
    reader.finish();
    file.refuse_unknown();
    return o;
  }
  std::string recipe_error(const std::string& text) const {
    try {
      from_recipe(text);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  io_test::TempDir dir_;
};

TEST_F(ReadersTest, FlagsAndRecipeAgree) {
  const ToyOptions flags = from_flags({"model", "--batch-size", "8", "--lr", "0.25", "--speed", "lazy",
                                       "--no-shuffle", "--rslora", "--target", "q,k", "--train", "head",
                                       "--memory", "1GiB", "--keep", "9", "--square", "4x4"});
  const ToyOptions recipe = from_recipe(
      "[toy]\nmodel = \"model\"\nbatch-size = 8\nlr = 0.25\npace = \"slow\"\nno-shuffle = true\nrslora = "
      "true\n"
      "target = [\"q\", \"k\"]\ntrain = \"head\"\nmemory = \"1GiB\"\nkeep = 7\nsquare = \"4x4\"\n");
  EXPECT_EQ(identity_of(flags), identity_of(recipe));
  EXPECT_EQ(identity_of(flags), nlohmann::json({{"verb", "toy"},
                                                {"batch_size", 8},
                                                {"lr", 0.25},
                                                {"share", nullptr},
                                                {"plan", {{"pace", "slow"}}},
                                                {"shuffle", false},
                                                {"rslora", true},
                                                {"target", {"q", "k"}},
                                                {"include", nlohmann::json::array()},
                                                {"train", {"head"}},
                                                {"memory", 1 << 30},
                                                {"field", "text"},
                                                {"square", 4}}));
  EXPECT_EQ(recipe.keep, 7);
  EXPECT_EQ(recipe.model, std::filesystem::weakly_canonical(dir_ / "model"));
}

TEST_F(ReadersTest, IdentityRoundTrips) {
  // What was written can be read back: every value of the identity sets the option it came from.
  ToyOptions o = from_flags({"model", "--batch-size", "8", "--pace", "slow", "--target", "q,k", "--lr", "3"});
  const nlohmann::json written = nlohmann::json::parse(identity_of(o).dump());
  EXPECT_EQ(written, identity_of(o));
  EXPECT_EQ(identity_today(written, [&o](OptionVisitor& v) { describe(v, o); }), written);
  nlohmann::json old = written;
  old["plan"]["pace"] = 0;  // as a version wrote it that knew enums as numbers
  EXPECT_EQ(identity_today(old, [&o](OptionVisitor& v) { describe(v, o); }), written);
}

TEST_F(ReadersTest, RecipesAreRefusedByKey) {
  EXPECT_EQ(recipe_error("[toy]\nbatch-size = 0\n"), "r.toml:2: toy.batch-size is 0, but must be 1 to 100");
  EXPECT_EQ(recipe_error("[toy]\npace = \"quick\"\n"),
            "r.toml:2: toy.pace is 'quick', but must be fast or slow");
  EXPECT_EQ(recipe_error("[toy]\nlr = 1\nshare = 0.5\n"),
            "r.toml:3: toy.share and toy.lr exclude each other");
  EXPECT_EQ(recipe_error("[toy]\nsquare = \"3x4\"\n"),
            "r.toml:2: toy.square 3x4: must have equal sides, such as 3x3");
  EXPECT_EQ(recipe_error("[toy]\npace = \"slow\"\nspeed = \"slow\"\n"),
            "r.toml:3: toy.speed and toy.pace are one and the same");
  EXPECT_NE(recipe_error("[toy]\nmodel = \"none\"\n").find("none, which does not exist"), std::string::npos);
  EXPECT_NE(recipe_error("[toy]\nbatchsize = 1\n").find("did you mean 'toy.batch-size'?"), std::string::npos);
  EXPECT_NE(recipe_error("[toy]\nout = \"x\"\n").find("toy.out is not known here"), std::string::npos);
  EXPECT_EQ(from_recipe("[toy]\nno-shuffle = false\n").shuffle, true) << "a flag that is false is not there";
}

}  // namespace
}  // namespace lq
