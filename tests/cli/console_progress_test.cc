#include "cli/console_progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace lq::cli {
namespace {

TEST(ConsoleProgress, CountsForPeople) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(9999), "9999");
  EXPECT_EQ(human_count(350'000), "350 k");
  EXPECT_EQ(human_count(1'230'000), "1.2 M");
  EXPECT_EQ(human_count(7.5e9), "7.5 G");
  EXPECT_EQ(human_rate(0), "0");
  EXPECT_EQ(human_rate(0.034), "0.034");
  EXPECT_EQ(human_rate(1.66), "1.7");
  EXPECT_EQ(human_rate(350'000), "350 k");
}

// What a stage of 1000 pieces, done at once, leaves on a standard error that is no terminal.
std::string written(bool quiet, bool verbose) {
  testing::internal::CaptureStderr();
  {
    ConsoleProgress progress(quiet, verbose);
    progress.note("a note");
    progress.begin("pack", 1000, "rows");
    progress.update(0, "");
    progress.update(1000, "the last");
    progress.end();
    progress.begin("read", 0, "bytes");
    progress.update(20'000, "");
    progress.end();
  }
  return testing::internal::GetCapturedStderr();
}

TEST(ConsoleProgress, OneLineForAStageWhereNoTerminalListens) {
  EXPECT_EQ(written(false, false), "a note\n");
  EXPECT_EQ(written(true, false), "");
  EXPECT_EQ(written(true, true), "");
  const std::string text = written(false, true);
  EXPECT_EQ(text.rfind("a note\npack: 1000/1000 rows (100 %), ", 0), 0U) << text;
  EXPECT_NE(text.find("\nread: 20 k bytes, "), std::string::npos) << text;
  EXPECT_EQ(text.find("the last"), std::string::npos) << text;
  EXPECT_EQ(text.back(), '\n');
}

}  // namespace
}  // namespace lq::cli
