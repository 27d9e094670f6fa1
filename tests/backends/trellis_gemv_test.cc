// Products of a trellis code with a few vectors, against sums in double.
#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "backends/trellis_case.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

std::vector<float> few_product(const PackedView& w, const std::vector<float>& x, std::int64_t n, int threads,
                               bool coarse = false) {
  ThreadPool pool(threads);
  std::vector<float> y(static_cast<std::size_t>(n * w.rows));
  std::vector<float> scratch(static_cast<std::size_t>(packed_few_scratch(w, n)) + 8);
  void* at = scratch.data();
  std::size_t room = 4 * scratch.size();
  std::align(32, 32, at, room);
  packed_few(pool, w, x.data(), n, y.data(), static_cast<float*>(at), coarse);
  return y;
}

// Activations of the largest in their block come back within 1 / (2 levels) of it.
void expect_products(bool coarse, int levels) {
  for (const int bits : {2, 3, 4}) {
    for (const int block : {32, 64, 128, 256}) {
      for (const auto& [rows, cols] :
           {std::pair<std::int64_t, std::int64_t>{1, 1}, {7, 63}, {17, 64}, {33, 130}, {48, 600}}) {
        const TrellisCase c(bits, 12, block, rows, cols);
        for (const std::int64_t n : {1, 2, 3, 4}) {
          auto x = normals(static_cast<std::size_t>(n * cols), 2);
          x[0] *= 50.0F;
          const std::vector<float> y = few_product(c.view, x, n, 2, coarse);
          for (std::int64_t j = 0; j < n; ++j) {
            for (std::int64_t i = 0; i < rows; ++i) {
              double sum = 0.0;
              double bound = 0.0;
              for (std::int64_t k = 0; k < cols; ++k) {
                const double value = c.values[static_cast<std::size_t>(i * cols + k)];
                const double in = x[static_cast<std::size_t>(j * cols + k)];
                double largest = 0.0;
                for (std::int64_t l = k / block * block; l < std::min(cols, k / block * block + block); ++l)
                  largest = std::max(largest, std::abs(double{x[static_cast<std::size_t>(j * cols + l)]}));
                sum += value * in;
                // Half a step of the activation; f32 sums of blocks and lanes.
                bound += std::abs(value) * largest * 0.5001 / levels + 32 * 6e-8 * std::abs(value * in);
              }
              ASSERT_NEAR(y[static_cast<std::size_t>(j * rows + i)], sum, bound + 1e-6)
                  << bits << " bits, " << rows << 'x' << cols << ", n " << n;
            }
          }
        }
      }
    }
  }
}

TEST(TrellisGemv, MultipliesWithinTheRoundingOfActivations) { expect_products(false, 16383); }

TEST(TrellisGemv, CoarselyWithinTheRoundingOfBytes) { expect_products(true, 127); }

// The longest block of the largest numbers: its sums still fit 31 bits.
TEST(TrellisGemv, WholeNumbersAreMultipliedExactly) {
  const TrellisCase c(2, 16, 256, 16, 256);
  for (const bool coarse : {false, true}) {
    const float levels = coarse ? 127.0F : 16383.0F;
    std::vector<float> x(256);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = k % 3 == 0 ? -levels : levels;
    const std::vector<float> y = few_product(c.view, x, 1, 1, coarse);
    for (std::size_t i = 0; i < 16; ++i) {
      double want = 0.0;
      for (std::size_t k = 0; k < 256; ++k) want += double{c.values[i * 256 + k]} * x[k];
      double size = 0.0;
      for (std::size_t k = 0; k < 256; ++k) size += std::abs(double{c.values[i * 256 + k]} * x[k]);
      EXPECT_NEAR(y[i], want, 1e-6 * size) << coarse << ' ' << i;
    }
  }
}

TEST(TrellisGemv, EveryTargetWithIntegersGivesTheSameBits) {
  const TrellisCase c(3, 12, 64, 37, 130);
  const auto x = normals(4 * 130, 3);
  std::vector<float> first;
  int seen = 0;
  for (const std::int64_t target : {HWY_AVX3, HWY_AVX2}) {
    if ((hwy::SupportedTargets() & HWY_TARGETS & target) == 0) continue;  // not here, or not compiled
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const std::vector<float> y = few_product(c.view, x, 4, 2);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    if (seen++ == 0) first = y;
    EXPECT_EQ(y, first) << hwy::TargetName(static_cast<std::uint32_t>(target));
  }
  if (seen < 2) GTEST_SKIP() << "this processor has one such target";
}

TEST(TrellisGemv, GivesTheSameBitsOnAnyNumberOfThreads) {
  const TrellisCase c(2, 12, 64, 211, 96);
  for (const std::int64_t n : {1, 4}) {
    const auto x = normals(static_cast<std::size_t>(n * 96), 2);
    for (const bool coarse : {false, true})
      EXPECT_EQ(few_product(c.view, x, n, 1, coarse), few_product(c.view, x, n, 7, coarse));
  }
}

TEST(TrellisGemv, AnActivationThatIsNoNumberShowsInEveryProduct) {
  const TrellisCase c(2, 12, 64, 20, 128);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto x = normals(128, 2);
    x[70] = bad;
    for (const bool coarse : {false, true}) {
      for (const float y : few_product(c.view, x, 1, 1, coarse)) EXPECT_FALSE(std::isfinite(y));
    }
  }
  const std::vector<float> zeros(128, 0.0F);
  for (const float y : few_product(c.view, zeros, 1, 1)) EXPECT_EQ(y, 0.0F);
}

}  // namespace
}  // namespace lq::backends
