#include "allocate/completion.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"

namespace lq {
namespace {

// Matrices' choices as changes from an origin that is optimal at the price.
std::vector<std::vector<Choice>> random_changes(std::uint64_t seed, double price) {
  const Rng rng(seed);
  std::uint64_t next = 0;
  std::vector<std::vector<Choice>> matrices;
  for (int i = 0; i < 4; ++i) {
    std::vector<Choice> changes = {{0, 0, 0}};
    for (int c = 0; c < 4; ++c) {
      const double storage = 20 * rng.uniform(next++) - 10;
      changes.push_back({storage, rng.uniform(next++) - price * storage, 0});
    }
    matrices.push_back(changes);
  }
  return matrices;
}

TEST(CompletionBound, IsBelowEverythingThatTheRestCanDo) {
  constexpr double kPrice = 0.3;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto matrices = random_changes(seed, kPrice);
    CompletionBound bound;
    for (std::size_t i = 0; i < matrices.size(); ++i) bound.add_matrix(i, matrices[i], kPrice);
    bound.sort();
    for (std::size_t order = 0; order + 1 < matrices.size(); ++order) {
      CompletionBound::Walk walk = bound.after(order);
      for (double room = 15; room > -40; room -= 0.7) {
        const double least = walk.error_change(room);
        // All combinations of the matrices after `order`.
        double best = std::numeric_limits<double>::infinity();
        std::vector<std::size_t> at(matrices.size(), 0);
        for (bool more = true; more;) {
          double storage = 0;
          double error = 0;
          for (std::size_t i = order + 1; i < matrices.size(); ++i) {
            storage += matrices[i][at[i]].storage;
            error += matrices[i][at[i]].error;
          }
          if (storage <= room) best = std::min(best, error);
          std::size_t i = order + 1;
          while (i < matrices.size() && ++at[i] == matrices[i].size()) at[i++] = 0;
          more = i < matrices.size();
        }
        EXPECT_LE(least, best + 1e-12) << "seed " << seed << " room " << room;
        if (room >= 0) {
          EXPECT_LE(least, 0);
        }
      }
    }
  }
}

TEST(CompletionBound, IsTheLpOfOneMatrix) {
  CompletionBound bound;
  bound.add_matrix(0, {{0, 0, 0}}, 1.0);
  bound.add_matrix(1, {{0, 0, 0}, {10, -8, 0}, {-5, 10, 0}}, 1.0);
  bound.sort();
  CompletionBound::Walk walk = bound.after(0);
  EXPECT_DOUBLE_EQ(walk.error_change(20), -8);
  EXPECT_DOUBLE_EQ(walk.error_change(5), -4);
  EXPECT_DOUBLE_EQ(walk.error_change(0), 0);
  EXPECT_DOUBLE_EQ(walk.error_change(-2), 4);
  EXPECT_EQ(walk.error_change(-6), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace lq
