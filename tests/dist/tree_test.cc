#include "dist/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/add_by_tree.h"

namespace lq {
namespace {

// The tree by its definition: node (level, k) as text.
std::string node(std::int64_t parts, int level, std::int64_t k) {
  if (level == 0) return std::to_string(k);
  const std::string left = node(parts, level - 1, 2 * k);
  if ((2 * k + 1) << (level - 1) >= parts) return left;
  return "(" + left + "+" + node(parts, level - 1, 2 * k + 1) + ")";
}

std::string whole(std::int64_t parts) {
  int level = 0;
  while (std::int64_t{1} << level < parts) ++level;
  return node(parts, level, 0);
}

// Parts of [begin, end) as they come one by one, over a stack.
std::string streamed(std::int64_t begin, std::int64_t end, std::size_t* most) {
  std::vector<std::string> stack;
  for (std::int64_t i = begin; i < end; ++i) {
    std::string sum = std::to_string(i);
    int finished = nodes_finished_by(i - begin);
    if (i + 1 == end) finished = static_cast<int>(stack.size());
    for (; finished > 0; --finished) {
      sum = "(" + stack.back() + "+" + sum + ")";
      stack.pop_back();
    }
    stack.push_back(sum);
    if (i + 1 < end) *most = std::max(*most, stack.size());
  }
  return stack.empty() ? "" : stack.back();
}

TEST(Tree, IsTheSameOverStreamsAndOverRanks) {
  EXPECT_EQ(whole(1), "0");
  EXPECT_EQ(whole(5), "(((0+1)+(2+3))+4)");
  EXPECT_EQ(whole(7), "(((0+1)+(2+3))+((4+5)+6))");
  for (std::int64_t parts = 1; parts <= 40; ++parts) {
    std::size_t most = 0;
    EXPECT_EQ(streamed(0, parts, &most), whole(parts));
    EXPECT_EQ(static_cast<int>(most), most_waiting_nodes(parts)) << parts;
    for (int size = 1; size <= 9; ++size) {
      std::vector<std::string> sums;
      std::int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const PartRange own = parts_of_rank(parts, rank, size);
        EXPECT_EQ(own.begin, next);
        next = own.end;
        EXPECT_EQ(own.count() > 0, rank < ranks_with_parts(parts, size));
        std::size_t unused = 0;
        if (own.count() > 0) sums.push_back(streamed(own.begin, own.end, &unused));
      }
      EXPECT_EQ(next, parts);
      add_by_tree(std::ssize(sums), [&](std::int64_t to, std::int64_t from) {
        std::string& left = sums[static_cast<std::size_t>(to)];
        left = "(" + left + "+" + sums[static_cast<std::size_t>(from)] + ")";
      });
      EXPECT_EQ(sums[0], whole(parts)) << parts << " parts on " << size << " ranks";
    }
  }
}

TEST(Tree, PowersOfTwoAreSharedAlike) {
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(parts_of_rank(8, rank, 4), (PartRange{2 * rank, 2 * rank + 2}));
  }
  EXPECT_EQ(parts_of_rank(1, 3, 4).count(), 0);
  EXPECT_EQ(parts_of_rank(0, 0, 1).count(), 0);
}

}  // namespace
}  // namespace lq
