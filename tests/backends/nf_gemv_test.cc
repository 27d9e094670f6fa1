// Products with packed codes against the dequantized values in double, within the bound that nf_gemv.h
// states.
#include "backends/cpu/nf_gemv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/codebook/codebook_quantizer.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

std::vector<float> gemv_normals(std::int64_t n, std::uint64_t stream) {
  return reference::normals(static_cast<std::size_t>(n), stream);
}

std::vector<float> product(ThreadPool& pool, const CodebookMatrix& m, const std::vector<float>& x,
                           std::int64_t count) {
  const NfView view = m.view();
  std::vector<float> scratch(static_cast<std::size_t>(nf_gemv_scratch(view, count)) + 16);
  const auto at = reinterpret_cast<std::uintptr_t>(scratch.data());
  float* aligned = scratch.data() + (64 - at % 64) % 64 / sizeof(float);
  std::vector<float> y(static_cast<std::size_t>(count * view.rows));
  nf_gemv(pool, view, x.data(), count, y.data(), aligned);
  return y;
}

void expect_within_bound(const CodebookConfig& config, std::int64_t rows, std::int64_t cols,
                         const std::vector<float>& x) {
  ThreadPool pool(2);
  const auto w = gemv_normals(rows * cols, 1);
  const CodebookMatrix m = CodebookQuantizer(config).quantize(pool, w.data(), rows, cols);
  std::vector<float> q(w.size());
  m.dequantize(pool, q.data());
  const auto count = static_cast<std::int64_t>(x.size()) / cols;
  const auto y = product(pool, m, x, count);
  for (std::int64_t j = 0; j < count; ++j) {
    for (std::int64_t i = 0; i < rows; ++i) {
      double sum = 0.0;
      double bound = 1e-30;
      for (std::int64_t k = 0; k < cols; ++k) {
        double peak_w = 0.0;
        double peak_x = 0.0;
        for (std::int64_t e = k / 64 * 64; e < k / 64 * 64 + 64; ++e) {
          peak_w = std::max(peak_w, std::abs(double{q[static_cast<std::size_t>(i * cols + e)]}));
          peak_x = std::max(peak_x, std::abs(double{x[static_cast<std::size_t>(j * cols + e)]}));
        }
        const double value = q[static_cast<std::size_t>(i * cols + k)];
        const double in = x[static_cast<std::size_t>(j * cols + k)];
        sum += value * in;
        bound += 0.5 / 16383.0 * (2.0 * peak_w * std::abs(in) + peak_x * std::abs(value));
        bound += (static_cast<double>(cols) + 4) * 6e-8 * std::abs(value * in);
      }
      ASSERT_NEAR(y[static_cast<std::size_t>(j * rows + i)], sum, bound)
          << to_string(config) << ' ' << rows << 'x' << cols << " at " << j << ',' << i;
    }
  }
}

// Rows enough for many jobs, whose first rows fall into the middle of a packed group of scales and of a group
// that shares a second-level scale; the last job is short.
TEST(NfGemv, JobsThatCutGroupsOfScales) {
  for (const int bits : {2, 3, 4}) {
    for (const int block : {16, 32, 64}) {
      for (const int block2 : {16, 64, 256}) {
        const CodebookConfig config{bits, block == 32 ? 3 : 8, ScaleDType::kFp32, block, block2};
        expect_within_bound(config, 32768 * 8 / (192 * bits) * 2 + 17, 192, gemv_normals(192, 2));
      }
    }
  }
}

// One row of more blocks than the kernel keeps scales of on its stack.
TEST(NfGemv, RowsLongerThanTheBufferOfScales) {
  const std::int64_t cols = 16 * 4096 + 64;
  expect_within_bound({4, 8, ScaleDType::kFp32, 16, 256}, 3, cols, gemv_normals(cols, 2));
}

TEST(NfGemv, ActivationsOfEverySize) {
  auto x = gemv_normals(4 * 256, 2);
  for (std::size_t e = 0; e < 64; ++e) {
    x[e] *= 1e-38F;        // denormals: rounded to nothing, which is within the bound
    x[64 + e] = 0.0F;      // a group without activations
    x[128 + e] *= 1e30F;   // and one that overwhelms the rest
    x[256 + e] *= 1e-20F;  // the second vector on its own scale
  }
  x[200] = 3e5F;  // an outlier among small ones
  expect_within_bound(uniform_codebook_config(4), 70, 256, x);
  expect_within_bound(uniform_codebook_config(3), 70, 256, std::vector<float>(x.begin(), x.begin() + 256));
}

TEST(NfGemv, InfinityAndNotANumberShowInEveryRow) {
  ThreadPool pool(1);
  const auto w = gemv_normals(40 * 128, 1);
  const CodebookMatrix m = CodebookQuantizer(uniform_codebook_config(4)).quantize(pool, w.data(), 40, 128);
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t at : {0U, 63U, 64U, 77U, 127U}) {
      auto x = gemv_normals(128, 2);
      x[at] = bad;
      for (const float y : product(pool, m, x, 1)) EXPECT_FALSE(std::isfinite(y)) << bad << " at " << at;
    }
  }
}

TEST(NfGemv, SameBitsOnAnyNumberOfThreads) {
  ThreadPool one(1);
  const auto w = gemv_normals(2000 * 320, 1);
  const CodebookMatrix m = CodebookQuantizer(uniform_codebook_config(3)).quantize(one, w.data(), 2000, 320);
  for (const std::int64_t count : {1, 3}) {
    const auto x = gemv_normals(320 * count, 2);
    const auto want = product(one, m, x, count);
    for (const int threads : {2, 7}) {
      ThreadPool pool(threads);
      EXPECT_EQ(product(pool, m, x, count), want) << threads;
    }
  }
}

}  // namespace
}  // namespace lq::backends
