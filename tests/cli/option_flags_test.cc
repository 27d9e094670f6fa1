#include "cli/option_flags.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/option_error.h"
#include "cli/toy_options.h"

namespace lq::cli {
namespace {

using test::Pace;
using test::ToyOptions;

struct Parsed {
  ToyOptions options;
  GivenOptions given;
  std::string help;

  explicit Parsed(std::vector<std::string> words) {
    CLI::App app("toy");
    OptionFlags flags(app, given);
    describe(flags, options);
    flags.finish();
    help = app.help();
    std::reverse(words.begin(), words.end());
    app.parse(words);
  }
};

std::string usage_error(const std::vector<std::string>& words) {
  try {
    const Parsed parsed(words);
  } catch (const CLI::ParseError& e) {
    return e.what();
  }
  return "none";
}

TEST(OptionFlags, SetsEveryKind) {
  const Parsed p({"a/model", "-o",         "dir",      "--batch-size", "8",        "--lr",
                  "2e-4",    "--pace",     "slow",     "--no-shuffle", "--rslora", "--target",
                  "q,k",     "--target",   "v",        "--include",    "a,b",      "c",
                  "--train", "norms,head", "--memory", "2GiB",         "--field",  "body",
                  "--keep",  "3",          "--square", "5x5"});
  const ToyOptions& o = p.options;
  EXPECT_EQ(o.model, "a/model");
  EXPECT_EQ(o.out, "dir");
  EXPECT_EQ(o.batch_size, 8);
  EXPECT_EQ(o.lr, 2e-4);
  EXPECT_EQ(o.pace, Pace::kSlow);
  EXPECT_FALSE(o.shuffle);
  EXPECT_TRUE(o.rslora);
  EXPECT_EQ(o.targets, (std::vector<std::string>{"q", "k", "v"}));
  EXPECT_EQ(o.globs, (std::vector<std::string>{"a,b", "c"})) << "commas part only where the option says so";
  EXPECT_EQ(o.parts, (std::vector<std::string>{"norms", "head"}));
  EXPECT_EQ(o.memory, std::int64_t{2} << 30);
  EXPECT_EQ(o.field, "body");
  EXPECT_EQ(o.keep, 3);
  EXPECT_EQ(o.side, 5);
  EXPECT_TRUE(p.given("pace"));
  EXPECT_FALSE(p.given("share"));
}

TEST(OptionFlags, LeavesDefaultsAndKnowsOldNames) {
  const Parsed p({"m"});
  EXPECT_EQ(p.options.batch_size, 4);
  EXPECT_EQ(p.options.field, "text");
  EXPECT_FALSE(p.given("field"));
  const Parsed old({"m", "--speed", "lazy"});
  EXPECT_EQ(old.options.pace, Pace::kSlow);
  EXPECT_TRUE(old.given("pace"));
}

TEST(OptionFlags, WrongUsageNamesTheFlag) {
  EXPECT_EQ(usage_error({"m", "--batch-size", "0"}), "--batch-size is 0, but must be 1 to 100");
  EXPECT_EQ(usage_error({"m", "--batch-size", "x"}), "--batch-size is 'x', but must be a whole number");
  EXPECT_EQ(usage_error({"m", "--lr", "0"}), "--lr is 0, but must be a number above 0");
  EXPECT_EQ(usage_error({"m", "--pace", "quick"}), "--pace is 'quick', but must be fast or slow");
  EXPECT_EQ(usage_error({"m", "--train", "tail"}), "--train is 'tail', but must be norms or head");
  EXPECT_EQ(usage_error({"m", "--lr", "1", "--share", "0.5"}), "--lr excludes --share");
  EXPECT_NE(usage_error({"m", "--lr", "1", "--lr", "2"}).find("--lr"), std::string::npos);
  EXPECT_NE(usage_error({}).find("MODEL is required"), std::string::npos);
  EXPECT_NE(usage_error({"m", "--nonsense"}).find("--nonsense"), std::string::npos);
}

TEST(OptionFlags, TextsThatCannotBeReadAreErrorsOfTheirOption) {
  try {
    const Parsed p({"m", "--square", "3x4"});
    FAIL();
  } catch (const OptionError& e) {
    EXPECT_EQ(e.option(), "square");
    EXPECT_STREQ(e.what(), "square 3x4: must have equal sides, such as 3x3");
  }
  EXPECT_THROW(Parsed({"m", "--memory", "lots"}), Error);
}

TEST(OptionFlags, HelpSaysRangesNamesAndDefaults) {
  const std::string help = Parsed({"m"}).help;
  for (const char* expected :
       {"MODEL PATH REQUIRED", "-o,--out PATH", "--batch-size N (1 to 100)=4",
        "--lr X (a number above 0)=0.5", "Rate; not with --share", "--pace,--speed {fast,slow}=fast",
        "--memory SIZE", "--field TEXT ", "--square TEXT=3x3", "--target TEXT ...", "Training:"}) {
    EXPECT_NE(help.find(expected), std::string::npos) << expected << "\n" << help;
  }
}

}  // namespace
}  // namespace lq::cli
