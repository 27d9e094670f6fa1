#include "unicode/regex.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(Regex, GroupsOfAMatch) {
  const Regex pattern("(a)|x(b+)(c)?", "test");
  const auto first = pattern.find_groups("--a xbb", 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->at(0), std::pair(std::size_t{2}, std::size_t{3}));
  EXPECT_EQ(first->at(1), first->at(0));
  const auto second = pattern.find_groups("--a xbb", 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->at(0), std::pair(std::size_t{4}, std::size_t{7}));
  EXPECT_EQ(second->at(1).first, std::string::npos);
  EXPECT_EQ(second->at(2), std::pair(std::size_t{5}, std::size_t{7}));
  EXPECT_FALSE(pattern.find_groups("--", 0));
  EXPECT_EQ(pattern.find("--a xbb", 3), second->at(0));
  EXPECT_THROW(Regex("(", "test"), Error);
}

}  // namespace
}  // namespace lq
