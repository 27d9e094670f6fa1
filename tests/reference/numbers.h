// Numbers for tests, and comparison of vectors.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace lq::reference {

inline std::vector<float> normals(std::size_t count, std::uint64_t stream, float scale = 1.0F) {
  ThreadPool pool(1);
  std::vector<float> v(count);
  Rng(11, stream).fill_normal(pool, v.data(), static_cast<std::int64_t>(count));
  for (float& x : v) x *= scale;
  return v;
}

// Largest difference in units of the largest magnitude wanted (which must not be 0).
template <typename Have, typename Want>
double relative_difference(const Have& have, const Want& want) {
  EXPECT_EQ(std::size(have), std::size(want));
  double largest = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < std::min(std::size(have), std::size(want)); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
    difference = std::max(difference, std::abs(static_cast<double>(have[i]) - static_cast<double>(want[i])));
  }
  EXPECT_GT(largest, 0.0);
  return difference / largest;
}

}  // namespace lq::reference
