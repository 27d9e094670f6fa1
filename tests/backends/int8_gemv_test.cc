// The coarser products with packed codes, against the dequantized values in double, within what the rounding
// of codebook and activations can do.
#include "backends/cpu/int8_gemv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/byte_matrix.h"
#include "backends/cpu/nf_gemv.h"
#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

std::vector<float> fast_normals(std::int64_t n, std::uint64_t stream) {
  return reference::normals(static_cast<std::size_t>(n), stream);
}

struct Products {
  std::vector<double> want;   // with the dequantized weights
  std::vector<double> bound;  // of the coarse product's error
  std::vector<float> got;
};

Products products(ThreadPool& pool, const CodebookConfig& config, std::int64_t rows,
                  const std::vector<float>& x) {
  const std::int64_t cols = std::ssize(x);
  const auto w = fast_normals(rows * cols, 1);
  const CodebookMatrix m = CodebookQuantizer(config).quantize(pool, w.data(), rows, cols);
  std::vector<float> q(w.size());
  m.dequantize(pool, q.data());
  const NfView view = m.view();
  const NfGemvLevels levels = nf_gemv_levels(view.codebook, config.bits);
  std::vector<float> scratch(static_cast<std::size_t>(nf_gemv_scratch(view, 1)) + 16);
  const auto at = reinterpret_cast<std::uintptr_t>(scratch.data());
  Products p;
  p.got.resize(static_cast<std::size_t>(rows));
  nf_gemv(pool, view, x.data(), 1, p.got.data(), scratch.data() + (64 - at % 64) % 64 / sizeof(float),
          &levels);
  for (std::int64_t i = 0; i < rows; ++i) {
    double sum = 0.0;
    double bound = 1e-30;
    for (std::int64_t k = 0; k < cols; ++k) {
      // Every block of 16 reaches the codebook's end at -1 or 1, so its peak is the scale.
      double scale = 0.0;
      double peak = 0.0;
      for (std::int64_t e = k / config.block * config.block; e < (k / config.block + 1) * config.block; ++e) {
        scale = std::max(scale, std::abs(double{q[static_cast<std::size_t>(i * cols + e)]}));
      }
      for (std::int64_t e = k / 64 * 64; e < k / 64 * 64 + 64; ++e) {
        peak = std::max(peak, std::abs(double{x[static_cast<std::size_t>(e)]}));
      }
      const double value = q[static_cast<std::size_t>(i * cols + k)];
      const double in = x[static_cast<std::size_t>(k)];
      const double of_x = 0.5 * peak / levels.activations;
      const double of_w = 0.5 * levels.step * scale;
      sum += value * in;
      bound += of_w * (std::abs(in) + of_x) + of_x * std::abs(value);
      bound +=
          (static_cast<double>(cols) + 8) * 6e-8 * (std::abs(value * in) + scale * (std::abs(in) + of_x));
    }
    p.want.push_back(sum);
    p.bound.push_back(bound);
  }
  return p;
}

TEST(NfGemvFast, WithinItsBoundForEveryFormat) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4}) {
    for (const int block : {16, 32, 64}) {
      for (const int block2 : {16, 256}) {
        for (const std::int64_t cols : {64, 192, 320, 1024}) {
          const CodebookConfig config{bits, block == 32 ? 3 : 8, ScaleDType::kFp32, block, block2};
          const Products p = products(pool, config, 71, fast_normals(cols, 2));
          for (std::size_t i = 0; i < p.want.size(); ++i) {
            ASSERT_NEAR(p.got[i], p.want[i], p.bound[i]) << to_string(config) << ' ' << cols << " at " << i;
          }
        }
      }
    }
  }
}

// Bounds add up the worst of every element; what a user gets is a hundredth of the product.
TEST(NfGemvFast, AboutAHundredthOfTheProduct) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4}) {
    const Products p = products(pool, uniform_codebook_config(bits), 300, fast_normals(2048, 2));
    double error = 0.0;
    double square = 0.0;
    for (std::size_t i = 0; i < p.want.size(); ++i) {
      error += (p.got[i] - p.want[i]) * (p.got[i] - p.want[i]);
      square += p.want[i] * p.want[i];
    }
    EXPECT_LT(std::sqrt(error / square), 0.012) << bits;
    if (byte_gemv_has(64)) {
      EXPECT_GT(std::sqrt(error / square), 1e-4) << bits << ": not the coarse product";
    }
  }
}

TEST(NfGemvFast, LevelsFitSixteenBitPairsAndTheCodebook) {
  for (const int bits : {2, 3, 4}) {
    for (const CodebookKind kind :
         {CodebookKind::kNormalFloat, CodebookKind::kUniformInt, CodebookKind::kLloydMax}) {
      const float* values = codebook_of(kind, bits).values;
      const NfGemvLevels levels = nf_gemv_levels(values, bits);
      int largest = 0;
      for (int c = 0; c < 1 << bits; ++c) {
        largest = std::max<int>(largest, levels.levels[c]);
        EXPECT_NEAR(levels.low + levels.step * static_cast<float>(levels.levels[c]), values[c],
                    0.5001F * levels.step)
            << bits << ' ' << c;
      }
      EXPECT_LT(2 * largest * levels.activations, 1 << 15);
      EXPECT_LE(levels.activations, 127);
      EXPECT_GE(levels.activations, 64);
      EXPECT_LT(levels.relative, 0.008F) << bits;
    }
  }
}

TEST(NfGemvFast, InfinityAndNotANumberShowInEveryRow) {
  ThreadPool pool(1);
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t at : {0U, 63U, 64U, 127U}) {
      auto x = fast_normals(128, 2);
      x[at] = bad;
      for (const float y : products(pool, uniform_codebook_config(4), 40, x).got) {
        EXPECT_FALSE(std::isfinite(y)) << bad << " at " << at;
      }
    }
  }
}

TEST(NfGemvFast, SameBitsOnAnyNumberOfThreads) {
  const auto x = fast_normals(320, 2);
  ThreadPool one(1);
  const auto want = products(one, uniform_codebook_config(3), 3000, x).got;
  for (const int threads : {2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(products(pool, uniform_codebook_config(3), 3000, x).got, want) << threads;
  }
}

}  // namespace
}  // namespace lq::backends
