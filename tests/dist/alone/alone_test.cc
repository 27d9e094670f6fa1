#include "dist/alone/alone.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"

namespace lq {
namespace {

TEST(Alone, ChangesNothing) {
  Alone alone;
  EXPECT_EQ(alone.rank(), 0);
  EXPECT_EQ(alone.size(), 1);
  std::array<float, 2> x = {1.0F, -0.0F};
  std::array<double, 2> y = {1.0, 2.0};
  alone.sum_by_tree(std::span<float>(x), 1);
  alone.sum(y);
  alone.broadcast(std::as_writable_bytes(std::span(x)), 0);
  alone.barrier();
  EXPECT_EQ(x, (std::array<float, 2>{1.0F, -0.0F}));
  EXPECT_EQ(y, (std::array<double, 2>{1.0, 2.0}));
}

TEST(Alone, RefusesOtherRanks) {
  Alone alone;
  float x = 1.0F;
  EXPECT_THROW(alone.sum_by_tree(std::span<float>(&x, 1), 2), Error);
  EXPECT_THROW(alone.broadcast(std::as_writable_bytes(std::span(&x, 1)), 1), Error);
}

}  // namespace
}  // namespace lq
