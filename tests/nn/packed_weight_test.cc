// A packed weight against the dense weight of the same values, in both kernels.
#include "nn/packed_weight.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;

struct Fixture {
  ThreadPool pool;
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  explicit Fixture(int threads = 2) : pool(threads) {}
};

PackedMatrix packed(Context& ctx, std::int64_t rows, std::int64_t cols, const CodebookConfig& config,
                    CodebookKind kind) {
  const auto w = normals(static_cast<std::size_t>(rows * cols), 1, 0.05F);
  return CodebookQuantizer(config, {.kind = kind}).pack(ctx.pool, w.data(), rows, cols);
}

void expect_equals_dense(const CodebookConfig& config, CodebookKind kind, std::int64_t rows,
                         std::int64_t cols) {
  Fixture f;
  const PackedWeight weight(packed(f.ctx, rows, cols, config, kind));
  Parameter dense;
  dense.value = Tensor::empty(DType::kF32, {rows, cols});
  weight.matrix().dequantize(f.pool, dense.value.mutable_data<float>());
  const float* w = dense.value.data<float>();
  double code_peak = 0.0;  // largest |codebook value|, which the integer kernel's steps are relative to
  const Codebook& book = codebook_of(kind, config.bits);
  for (int c = 0; c < 1 << config.bits; ++c)
    code_peak = std::max(code_peak, std::abs(double{book.values[c]}));

  for (const std::int64_t n : {1, 2, 3, 4, 5, 37}) {
    const auto x = normals(static_cast<std::size_t>(n * cols), 2);
    std::vector<float> y(static_cast<std::size_t>(n * rows));
    weight.forward(f.ctx, f.ws, {x.data(), n, cols}, {y.data(), n, rows});
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < rows; ++i) {
        double sum = 0.0;
        double magnitude = 0.0;
        double steps = 0.0;
        for (std::int64_t k = 0; k < cols; ++k) {
          const double value = w[i * cols + k];
          const double in = x[static_cast<std::size_t>(j * cols + k)];
          sum += value * in;
          magnitude += std::abs(value * in);
          // nf_gemv.h: half a step of the code and of the activation. The block's scale is at least |value| /
          // code_peak and its codes reach 1 in some element: bounded here by the largest value of the 64
          // around.
          double peak_w = 0.0;
          double peak_x = 0.0;
          for (std::int64_t e = k / 64 * 64; e < std::min(cols, k / 64 * 64 + 64); ++e) {
            peak_w = std::max(peak_w, std::abs(double{w[i * cols + e]}));
            peak_x = std::max(peak_x, std::abs(double{x[static_cast<std::size_t>(j * cols + e)]}));
          }
          steps += 0.5 / 16383.0 * (2.0 * code_peak * peak_w * std::abs(in) + peak_x * std::abs(value));
        }
        const double rounding = (static_cast<double>(cols) + 4) * 6e-8 * magnitude;
        const double bound = n <= Weight::kFewRows && config.bits < 8 ? steps + rounding : rounding;
        ASSERT_NEAR(y[static_cast<std::size_t>(j * rows + i)], sum, bound + 1e-30)
            << to_string(config) << ' ' << rows << 'x' << cols << " n " << n << " at " << j << ',' << i;
      }
    }
  }
  // dx through the packed weight, accumulated.
  const auto dy = normals(static_cast<std::size_t>(3 * rows), 3);
  std::vector<float> dx(static_cast<std::size_t>(3 * cols), 1.0F);
  weight.backward_input(f.ctx, {dy.data(), 3, rows}, {dx.data(), 3, cols}, true);
  for (std::int64_t j = 0; j < 3; ++j) {
    for (std::int64_t k = 0; k < cols; ++k) {
      double sum = 1.0;
      double magnitude = 1.0;
      for (std::int64_t i = 0; i < rows; ++i) {
        const double product = double{dy[static_cast<std::size_t>(j * rows + i)]} * w[i * cols + k];
        sum += product;
        magnitude += std::abs(product);
      }
      ASSERT_NEAR(dx[static_cast<std::size_t>(j * cols + k)], sum,
                  (static_cast<double>(rows) + 4) * 6e-8 * magnitude);
    }
  }
}

TEST(PackedWeight, EqualsDenseForEveryBitWidthAndBlock) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int block : {16, 32, 64}) {
      const CodebookConfig config{bits, 8, ScaleDType::kFp32, block, 256};
      expect_equals_dense(config, CodebookKind::kNormalFloat, 19, 192);
    }
  }
}

TEST(PackedWeight, EqualsDenseForEveryScaleForm) {
  for (const int scale_bits : {2, 3, 4, 8}) {
    for (const ScaleDType type : {ScaleDType::kBf16, ScaleDType::kFp16, ScaleDType::kFp32}) {
      for (const int block2 : {16, 64, 256}) {
        expect_equals_dense({3, scale_bits, type, 16, block2}, CodebookKind::kNormalFloat, 9, 128);
      }
    }
  }
}

TEST(PackedWeight, EqualsDenseForOddSizes) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const CodebookConfig config = uniform_codebook_config(bits);
    for (const auto& [rows, cols] :
         {std::pair{1, 1}, {5, 7}, {3, 63}, {7, 65}, {2, 100}, {513, 64}, {1, 64}}) {
      expect_equals_dense(config, CodebookKind::kNormalFloat, rows, cols);
    }
  }
}

TEST(PackedWeight, EqualsDenseForUniformCodes) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    expect_equals_dense({bits, 8, ScaleDType::kFp32, 32, 64}, CodebookKind::kUniformInt, 11, 128);
  }
}

TEST(PackedWeight, SameBitsOnAnyNumberOfThreads) {
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{3}, std::int64_t{20}}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 7}) {
      Fixture f(threads);
      const PackedWeight weight(
          packed(f.ctx, 1500, 1024, uniform_codebook_config(4), CodebookKind::kNormalFloat));
      const auto x = normals(static_cast<std::size_t>(n * 1024), 2);
      std::vector<float> y(static_cast<std::size_t>(n * 1500));
      weight.forward(f.ctx, f.ws, {x.data(), n, 1024}, {y.data(), n, 1500});
      results.push_back(y);
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
  }
}

TEST(PackedWeight, NotANumberInTheInputIsNotHidden) {
  Fixture f;
  const PackedWeight weight(packed(f.ctx, 4, 128, uniform_codebook_config(4), CodebookKind::kNormalFloat));
  auto x = normals(128, 2);
  x[77] = std::nanf("");
  std::vector<float> y(4);
  weight.forward(f.ctx, f.ws, {x.data(), 1, 128}, {y.data(), 1, 4});
  for (const float v : y) EXPECT_TRUE(std::isnan(v));
}

}  // namespace
}  // namespace lq
