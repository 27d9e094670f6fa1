// 16-bit integer products: what rounding puts where, sums at the edge of 32 bits, and what is not finite.
#include "backends/cpu/gemm_i16_kernel.h"

#include <gtest/gtest.h>

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/cpu/gemm.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> product(std::int64_t m, std::int64_t n, std::int64_t k, const std::vector<float>& a,
                           const std::vector<float>& b) {
  ThreadPool pool(1);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  gemm(pool, m, n, k, a.data(), k, b.data(), n, c.data(), n, {.precision = GemmPrecision::kI16});
  return c;
}

// Panels of `width` from [count, depth] elements, as [count, slice, 64] integers and [count, slice] scales.
struct Unpacked {
  std::vector<std::int16_t> whole;
  std::vector<float> scales;
  Unpacked(const float* packed, std::int64_t width, std::int64_t count, std::int64_t depth) {
    const std::int64_t slices = (depth + kI16Slice - 1) / kI16Slice;
    const std::int64_t panel = gemm_kernel_i16().units(depth) * width;
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t s = 0; s < slices; ++s) {
        const float* at = packed + i / width * panel + s * 33 * width + i % width;
        for (std::int64_t pair = 0; pair < 32; ++pair) {
          std::int16_t two[2];
          std::memcpy(two, at + pair * width, sizeof two);
          whole.insert(whole.end(), {two[0], two[1]});
        }
        scales.push_back(at[32 * width]);
      }
    }
  }
};

TEST(GemmI16Kernel, RoundsEach64UnderTheirLargest) {
  const GemmKernel& kernel = gemm_kernel_i16();
  const std::int64_t width = gemm_panel_cols();
  for (const std::int64_t count :
       {std::int64_t{1}, std::int64_t{6}, std::int64_t{7}, width + 1, 6 * width + 5}) {
    for (const std::int64_t depth : {1, 2, 63, 64, 65, 200}) {
      const auto rows = normals(static_cast<std::size_t>(count * depth), 1);  // [count, depth]
      std::vector<float> columns(rows.size());
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t l = 0; l < depth; ++l) columns[l * count + i] = rows[i * depth + l];
      }
      for (const bool of_a : {true, false}) {
        const std::int64_t panel = of_a ? kGemmRows : width;
        const std::int64_t padded = (count + panel - 1) / panel * panel;
        const std::int64_t levels = of_a ? kI16LevelsA : kI16LevelsB;
        const auto size = static_cast<std::size_t>(padded * kernel.units(depth));
        const auto packed = hwy::AllocateAligned<float>(size);
        const auto again = hwy::AllocateAligned<float>(size);
        std::fill_n(packed.get(), size, 99.0F);
        std::fill_n(again.get(), size, 99.0F);
        if (of_a) {
          kernel.pack_a(false, count, depth, rows.data(), depth, packed.get());
          kernel.pack_a(true, count, depth, columns.data(), count, again.get());
        } else {
          kernel.pack_b(true, depth, count, rows.data(), depth, packed.get(), panel * kernel.units(depth));
          kernel.pack_b(false, depth, count, columns.data(), count, again.get(), panel * kernel.units(depth));
        }
        ASSERT_EQ(std::memcmp(packed.get(), again.get(), size * sizeof(float)), 0) << count << 'x' << depth;
        const Unpacked have(packed.get(), panel, padded, depth);
        const std::int64_t slices = (depth + 63) / 64;
        for (std::int64_t i = 0; i < padded; ++i) {
          for (std::int64_t s = 0; s < slices; ++s) {
            const auto element = [&](std::int64_t e) {
              return i < count && s * 64 + e < depth ? rows[i * depth + s * 64 + e] : 0.0F;
            };
            float most = 0.0F;
            for (std::int64_t e = 0; e < 64; ++e) most = std::max(most, std::abs(element(e)));
            const float scale = have.scales[i * slices + s];
            ASSERT_FLOAT_EQ(scale, most / static_cast<float>(levels));
            for (std::int64_t e = 0; e < 64; ++e) {
              const double value = double{scale} * have.whole[(i * slices + s) * 64 + e];
              ASSERT_NEAR(value, element(e), 0.5001 * scale)
                  << count << 'x' << depth << " at " << i << ',' << e;
            }
          }
        }
      }
    }
  }
}

// The largest sums there can be: 64 products of the largest integers, of either sign.
TEST(GemmI16Kernel, LargestSumsDoNotOverflow) {
  const std::int64_t k = 192;
  const std::vector<float> a(static_cast<std::size_t>(6 * k), 3.0F);
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> b(static_cast<std::size_t>(k * 16), sign * 0.25F);
    for (const float y : product(6, 16, k, a, b)) ASSERT_FLOAT_EQ(y, sign * 0.75F * static_cast<float>(k));
  }
}

TEST(GemmI16Kernel, WhatIsNotFiniteShowsWhereItCounts) {
  const std::int64_t m = 9;
  const std::int64_t n = 21;
  const std::int64_t k = 130;
  for (const float bad : {kInf, -kInf, std::nanf("")}) {
    auto a = normals(static_cast<std::size_t>(m * k), 1);
    auto b = normals(static_cast<std::size_t>(k * n), 2);
    const auto clean = product(m, n, k, a, b);
    a[static_cast<std::size_t>(4 * k + 70)] = bad;
    b[static_cast<std::size_t>(129 * n + 17)] = bad;
    const auto c = product(m, n, k, a, b);
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        const auto e = static_cast<std::size_t>(i * n + j);
        if (i == 4 || j == 17) {
          ASSERT_TRUE(std::isnan(c[e])) << bad << " at " << i << ',' << j;
        } else {
          ASSERT_EQ(c[e], clean[e]) << bad << " at " << i << ',' << j;
        }
      }
    }
  }
}

TEST(GemmI16Kernel, NothingAndDenormalsAreZero) {
  const std::int64_t k = 70;
  std::vector<float> a(static_cast<std::size_t>(k), 0.0F);
  const std::vector<float> b(static_cast<std::size_t>(k), 1.0F);
  EXPECT_EQ(product(1, 1, k, a, b)[0], 0.0F);
  std::ranges::fill(a, 1e-40F);
  EXPECT_EQ(product(1, 1, k, a, b)[0], 0.0F);
  a[3] = 1.0F;  // the rest of its 64 is too small beside it
  EXPECT_FLOAT_EQ(product(1, 1, k, a, b)[0], 1.0F);
}

}  // namespace
}  // namespace lq::backends
