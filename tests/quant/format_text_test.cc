#include "quant/format_text.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(FormatText, BlanksAtTheEndsGo) {
  EXPECT_EQ(trimmed("q4_k"), "q4_k");
  EXPECT_EQ(trimmed("  a b "), "a b");
  EXPECT_EQ(trimmed("\ta"), "\ta");
  EXPECT_EQ(trimmed("   "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(FormatText, WholeNumbersAndNothingElse) {
  EXPECT_EQ(whole_number("4"), 4);
  EXPECT_EQ(whole_number("064"), 64);
  EXPECT_EQ(whole_number("-3"), -3);
  EXPECT_EQ(whole_number("2147483647"), 2147483647);
  for (const char* text : {"", " 4", "4 ", "+4", "4.0", "4x", "x", "-", "2147483648"})
    EXPECT_EQ(whole_number(text), std::nullopt) << text;
}

}  // namespace
}  // namespace lq
