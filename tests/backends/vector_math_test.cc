// Loops over vectors in chunks of any length, against one plain loop.
#include "backends/cpu/vector_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends::cpu {
namespace {

using reference::normals;

TEST(VectorMath, SumsGoChunkByChunk) {
  for (const std::size_t n : {1, 6, 7, 8, 100, 1000}) {
    const auto x = normals(n, 1), y = normals(n, 2);
    for (const std::int64_t chunk : {1, 7, 64, 5000}) {
      double squares = 0.0, distance = 0.0;
      for (std::size_t begin = 0; begin < n; begin += static_cast<std::size_t>(chunk)) {
        double a = 0.0, b = 0.0;
        for (std::size_t i = begin; i < std::min(n, begin + static_cast<std::size_t>(chunk)); ++i) {
          a += double{x[i]} * x[i];
          b += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
        }
        squares += a, distance += b;
      }
      for (const int threads : {1, 2, 5}) {
        ThreadPool pool(threads);
        EXPECT_EQ(sum_of_squares(pool, x, chunk), squares) << n << ' ' << chunk;
        EXPECT_EQ(squared_distance(pool, x, y, chunk), distance) << n << ' ' << chunk;
      }
    }
  }
}

TEST(VectorMath, StoringSaysWhatRoundingLost) {
  ThreadPool pool(3);
  for (const DType type : {DType::kF32, DType::kF16, DType::kBf16}) {
    for (const std::size_t n : {1, 13, 257}) {
      const auto x = normals(n, 1);
      std::vector<std::byte> out(n * dtype_size(type));
      const double lost = store_rounded(pool, type, x, out.data(), 10);
      std::vector<float> back(n);
      convert_to_f32(type, out.data(), 0, static_cast<std::int64_t>(n), back.data());
      // Half a unit in the last of the bits kept: 24, 11 or 8.
      const double unit = type == DType::kF32 ? 0.0 : type == DType::kF16 ? 0x1p-11 : 0x1p-8;
      double want = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(back[i], x[i], unit * std::abs(x[i]) + (type == DType::kF16 ? 0x1p-25 : 0.0));
        want += (double{back[i]} - x[i]) * (double{back[i]} - x[i]);
      }
      EXPECT_NEAR(lost, want, 1e-12 * want);
    }
  }
}

TEST(VectorMath, TheFirstThatIsNotFinite) {
  std::vector<float> x((std::size_t{1} << 18) * 2 + 5, std::numeric_limits<float>::max());
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    EXPECT_EQ(first_not_finite(pool, x), std::ssize(x));
    for (const std::size_t at : {x.size() - 1, std::size_t{1} << 18, std::size_t{3}}) {
      std::vector<float> broken = x;
      broken[at] = std::nanf("");
      broken.back() = -std::numeric_limits<float>::infinity();
      EXPECT_EQ(first_not_finite(pool, broken), static_cast<std::int64_t>(at));
    }
    EXPECT_EQ(first_not_finite(pool, {}), 0);
  }
}

TEST(VectorMath, ElementByElement) {
  ThreadPool pool(2);
  for (const std::size_t n : {0, 1, 9, 70'001}) {
    const auto x = normals(n, 1), y = normals(n, 2);
    std::vector<float> difference(n), quotient = x;
    subtract(pool, x, y, difference);
    divide(pool, quotient, 3.0F, quotient);  // in place
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(difference[i], x[i] - y[i]);
      ASSERT_EQ(quotient[i], x[i] / 3.0F);
    }
    const Rng rng(5, 6);
    std::vector<float> uniform(n);
    fill_uniform(pool, rng, 0.25, uniform);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(uniform[i], static_cast<float>((2.0 * rng.uniform(i) - 1.0) * 0.25));
      ASSERT_LE(std::abs(uniform[i]), 0.25F);
    }
  }
}

TEST(VectorMath, ColumnsIntoAWiderMatrix) {
  for (const auto& [rows, cols, at, wide] :
       {std::tuple(1, 1, 0, 1), std::tuple(3, 5, 2, 9), std::tuple(7, 2, 0, 2), std::tuple(2, 3, 4, 7)}) {
    const auto from = normals(static_cast<std::size_t>(rows * cols), 1);
    std::vector<float> to(static_cast<std::size_t>(rows * wide), 9.0F);
    copy_scaled_columns(-0.5F, {from.data(), rows, cols}, {to.data(), rows, wide}, at);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < wide; ++j) {
        const bool inside = j >= at && j < at + cols;
        const float want = inside ? -0.5F * from[static_cast<std::size_t>(i * cols + j - at)] : 9.0F;
        EXPECT_EQ(to[static_cast<std::size_t>(i * wide + j)], want) << i << ' ' << j;
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends::cpu
