#include <gtest/gtest.h>

#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

TEST(Replaced, EveryOneFromTheLeft) {
  EXPECT_EQ(replaced("a  b   c", "  ", " "), "a b  c");
  EXPECT_EQ(replaced("abab", "ab", ""), "");
  EXPECT_EQ(replaced("abc", "x", "y"), "abc");
  EXPECT_EQ(replaced("", "x", "y"), "");
}

}  // namespace
}  // namespace lq::tasks
