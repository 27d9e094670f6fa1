// Matrices rounded to 8 bits: their values against the originals, products against the rounded values in
// double.
#include "backends/cpu/byte_matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "backends/cpu/nf_gemv_input.h"
#include "base/float16.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

struct Rounded {
  std::int64_t rows, cols;
  std::vector<std::int8_t> values;
  std::vector<float> scales;

  Rounded(ThreadPool& pool, DenseType type, const void* w, std::int64_t r, std::int64_t c)
      : rows(r),
        cols(c),
        values(static_cast<std::size_t>(r * c)),
        scales(static_cast<std::size_t>(r * c / 64)) {
    byte_encode(pool, type, w, r, c, values.data(), scales.data());
  }

  // Element k of row i, whose place in its 32 is turned as kGemvSource says.
  double at(std::int64_t i, std::int64_t k) const {
    const auto eight = std::ranges::find(kGemvSource, static_cast<int>(k % 32 / 8 * 8)) - kGemvSource;
    const std::int64_t place = k / 32 * 32 + eight * 8 + k % 8;
    return double{static_cast<double>(values[static_cast<std::size_t>(i * cols + place)])} *
           scales[static_cast<std::size_t>((i * cols + k) / 64)];
  }

  std::vector<float> times(ThreadPool& pool, const std::vector<float>& x) const {
    std::vector<float> scratch(static_cast<std::size_t>(byte_gemv_scratch(cols)) + 16);
    const auto from = reinterpret_cast<std::uintptr_t>(scratch.data());
    std::vector<float> y(static_cast<std::size_t>(rows));
    byte_gemv(pool, {values.data(), scales.data(), rows, cols}, x.data(), y.data(),
              scratch.data() + (64 - from % 64) % 64 / sizeof(float));
    return y;
  }
};

std::vector<float> byte_normals(std::int64_t n, std::uint64_t stream) {
  return reference::normals(static_cast<std::size_t>(n), stream);
}

TEST(ByteMatrix, ValuesAreWithinHalfAScaleInEveryType) {
  ThreadPool pool(2);
  const std::int64_t rows = 130;
  const std::int64_t cols = 192;
  auto w = byte_normals(rows * cols, 1);
  for (std::size_t e = 0; e < 64; ++e) w[e] = 0.0F;
  for (std::size_t e = 64; e < 128; ++e) w[e] *= 1e30F;
  std::vector<bf16> as_bf16;
  std::vector<f16> as_f16;
  for (const float v : w) {
    as_bf16.push_back(to_bf16(v));
    as_f16.push_back(to_f16(std::clamp(v, -6e4F, 6e4F)));
  }
  const Rounded of_f32(pool, DenseType::kF32, w.data(), rows, cols);
  const Rounded of_bf16(pool, DenseType::kBf16, as_bf16.data(), rows, cols);
  const Rounded of_f16(pool, DenseType::kF16, as_f16.data(), rows, cols);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < cols; ++k) {
      const auto e = static_cast<std::size_t>(i * cols + k);
      const auto within = [&](const Rounded& r, float value) {
        const double scale = r.scales[e / 64];
        return std::abs(r.at(i, k) - value) <= 0.5 * scale * (1.0 + 1e-5);
      };
      ASSERT_TRUE(within(of_f32, w[e])) << i << ',' << k;
      ASSERT_TRUE(within(of_bf16, to_float(as_bf16[e]))) << i << ',' << k;
      ASSERT_TRUE(within(of_f16, to_float(as_f16[e]))) << i << ',' << k;
    }
  }
}

TEST(ByteMatrix, ProductsWithTheRoundedValues) {
  ThreadPool pool(2);
  for (const std::int64_t cols : {64, 128, 320, 2048}) {
    if (!byte_gemv_has(cols)) GTEST_SKIP() << "no 256-bit vectors here";
    const std::int64_t rows = 67;
    const auto w = byte_normals(rows * cols, 1);
    const auto x = byte_normals(cols, 2);
    const Rounded r(pool, DenseType::kF32, w.data(), rows, cols);
    const auto y = r.times(pool, x);
    for (std::int64_t i = 0; i < rows; ++i) {
      double sum = 0.0;
      double bound = 1e-30;
      for (std::int64_t k = 0; k < cols; ++k) {
        double peak = 0.0;
        for (std::int64_t e = k / 64 * 64; e < k / 64 * 64 + 64; ++e) {
          peak = std::max(peak, std::abs(double{x[static_cast<std::size_t>(e)]}));
        }
        const double in = x[static_cast<std::size_t>(k)];
        sum += r.at(i, k) * in;
        bound +=
            std::abs(r.at(i, k)) * (0.5 * peak / kGemvLevels + (static_cast<double>(cols) + 4) * 6e-8 * peak);
      }
      ASSERT_NEAR(y[static_cast<std::size_t>(i)], sum, bound) << cols << ' ' << i;
    }
  }
  EXPECT_FALSE(byte_gemv_has(96));
}

TEST(ByteMatrix, WhatIsNotFiniteShowsInItsRowOnly) {
  if (!byte_gemv_has(128)) GTEST_SKIP() << "no 256-bit vectors here";
  ThreadPool pool(1);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto w = byte_normals(3 * 128, 1);
    w[128 + 70] = bad;
    const auto y = Rounded(pool, DenseType::kF32, w.data(), 3, 128).times(pool, byte_normals(128, 2));
    EXPECT_TRUE(std::isfinite(y[0]));
    EXPECT_TRUE(std::isnan(y[1]));
    EXPECT_TRUE(std::isfinite(y[2]));
  }
}

TEST(ByteMatrix, SameBitsOnAnyNumberOfThreads) {
  if (!byte_gemv_has(320)) GTEST_SKIP() << "no 256-bit vectors here";
  const auto w = byte_normals(3000 * 320, 1);
  const auto x = byte_normals(320, 2);
  ThreadPool one(1);
  const auto want = Rounded(one, DenseType::kF32, w.data(), 3000, 320).times(one, x);
  for (const int threads : {2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(Rounded(pool, DenseType::kF32, w.data(), 3000, 320).times(pool, x), want) << threads;
  }
}

}  // namespace
}  // namespace lq::backends
