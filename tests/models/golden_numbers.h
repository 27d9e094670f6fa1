// Numbers of the files in tests/goldens.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>
#include <vector>

#include "formats/safetensors_reader.h"
#include "support/paths.h"

namespace lq::golden {

inline std::filesystem::path folder() {
  return std::filesystem::path(lq::test::source_dir()) / "tests" / "goldens";
}

inline std::vector<float> floats_of(const TensorView& view) {
  std::vector<float> values(static_cast<std::size_t>(view.numel()));
  convert_to_f32(view.dtype(), view.data, 0, view.numel(), values.data());
  return values;
}

// Of I64.
inline std::vector<std::int32_t> ints_of(const TensorView& view) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(view.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::int64_t v = 0;
    std::memcpy(&v, view.data + 8 * i, 8);
    values[i] = static_cast<std::int32_t>(v);
  }
  return values;
}

// Largest difference, in units of the largest magnitude expected.
inline double relative_difference(std::span<const float> have, std::span<const float> want) {
  EXPECT_EQ(have.size(), want.size());
  double largest = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < std::min(have.size(), want.size()); ++i) {
    largest = std::max(largest, std::abs(double{want[i]}));
    difference = std::max(difference, std::abs(double{have[i]} - double{want[i]}));
  }
  return difference / largest;
}

}  // namespace lq::golden
