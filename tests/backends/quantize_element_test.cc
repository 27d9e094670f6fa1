// Scales and codes as CUDA threads choose them: the processor's bits.
#include "backends/cuda/quantize_element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backends/quantize_case.h"

namespace lq::backends {
namespace {

using cuda::SharedBook;

// Sizes round blocks of 16 to 64, units of 256 blocks and groups of them.
constexpr std::pair<std::int64_t, std::int64_t> kShapes[] = {{1, 1},  {3, 5},   {1, 64},  {7, 19},
                                                             {5, 64}, {65, 63}, {40, 257}};

TEST(QuantizeElement, ScalesAndCodesAreTheProcessorsBitForBit) {
  for (const auto& [rows, cols] : kShapes) {
    for (const RoundingCase& c : rounding_cases(rows, cols)) {
      const std::vector<float> scales = scales_as_threads(c);
      const SharedBook book = shared_book(*c.book);
      for (std::int64_t i = 0; i < rows * cols; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const float have = cuda::rounded_value(book, c.format.bits, c.w[at],
                                               scales[static_cast<std::size_t>(i / c.format.block)]);
        ASSERT_EQ(std::memcmp(&have, &c.expected[at], sizeof have), 0)
            << c.name << " " << rows << " x " << cols << " [" << i << "]: " << have << " instead of "
            << c.expected[at];
      }
    }
  }
}

TEST(QuantizeElement, TheNearestCodeCountsTheMidpointsBelow) {
  for (const int bits : kCodeWidths) {
    const Codebook& from = codebook_of(CodebookKind::kNormalFloat, bits);
    const SharedBook book = shared_book(from);
    EXPECT_EQ(cuda::nearest_code(book, bits, std::numeric_limits<float>::quiet_NaN()), 0);
    for (int k = 0; k < (1 << bits) - 1; ++k) {
      const float m = from.midpoints[k];
      EXPECT_EQ(cuda::nearest_code(book, bits, m), k) << bits;
      EXPECT_EQ(cuda::nearest_code(book, bits, std::nextafter(m, 2.0F)), k + 1) << bits;
    }
    EXPECT_EQ(cuda::nearest_code(book, bits, std::numeric_limits<float>::infinity()), (1 << bits) - 1);
  }
}

TEST(QuantizeElement, SecondLevelScalesStayFinite) {
  EXPECT_EQ(cuda::stored_scale2(3e38F, ScaleDType::kFp32), 3e38F);
  EXPECT_EQ(cuda::stored_scale2(3e38F, ScaleDType::kFp16), 65504.0F);
  EXPECT_EQ(cuda::stored_scale2(3.4e38F, ScaleDType::kBf16), 0x1.fep127F);
  EXPECT_EQ(cuda::stored_scale2(1.0F + 0x1p-12F, ScaleDType::kFp16), 1.0F);
}

TEST(QuantizeElement, RoundingSaysWhetherItFeedsBack) {
  const auto of = [](int bits, ScaleMode scales, Feedback feedback) {
    return CodebookQuantizer(uniform_codebook_config(bits), {.scales = scales, .feedback = feedback})
        .codebook_rounding();
  };
  EXPECT_FALSE(of(3, ScaleMode::kAbsMax, Feedback::kOff).value().feedback);
  EXPECT_TRUE(of(3, ScaleMode::kSearch, Feedback::kOn).value().feedback);
  EXPECT_FALSE(of(3, ScaleMode::kSearch, Feedback::kOn).value().rescales);
  EXPECT_TRUE(of(2, ScaleMode::kSearch, Feedback::kOn).value().rescales);
  EXPECT_FALSE(of(2, ScaleMode::kAbsMax, Feedback::kOn).value().rescales);
  EXPECT_FALSE(of(3, ScaleMode::kAbsMax, Feedback::kGptq).has_value());
}

TEST(QuantizeElement, ThreadsShareASumOfProducts) {
  for (const auto& [rows, cols] : kShapes) {
    const std::vector<float> x = reference::normal_matrix(rows, cols, 1);
    const std::vector<float> y = reference::normal_matrix(rows, cols, 2);
    double have = 0.0;
    double want = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) want += double{x[i]} * y[i];
    for (std::int64_t begin = 0; begin < rows * cols; begin += cuda::kResidualTile) {
      for (int t = 0; t < cuda::kResidualThreads; ++t)
        cuda::products_of_thread(rows * cols, x.data(), y.data(), begin, t, have);
    }
    EXPECT_NEAR(have, want, 1e-10);
  }
}

// Every element once, weighted as it should be, whatever the tiles' ends are.
TEST(QuantizeElement, ThreadsShareAResidual) {
  for (const auto& [rows, cols] : kShapes) {
    const std::int64_t n = rows * cols;
    const std::vector<float> w = reference::normal_matrix(rows, cols, 1);
    const std::vector<float> q = reference::normal_matrix(rows, cols, 2);
    const std::vector<float> by_row = reference::normal_matrix(1, rows, 3);
    const std::vector<float> by_col = reference::normal_matrix(1, cols, 4);
    std::vector<float> out(w.size(), NAN);
    cuda::ResidualElements r;
    r.n = n;
    r.cols = cols;
    r.w = w.data();
    r.q = q.data();
    r.row_scale = by_row.data();
    r.col_scale = by_col.data();
    r.out = out.data();
    cuda::ResidualSums sums;
    for (std::int64_t begin = 0; begin < n; begin += cuda::kResidualTile) {
      for (int t = 0; t < cuda::kResidualThreads; ++t) cuda::residual_of_thread(r, {}, begin, t, sums);
    }
    double squared = 0.0;
    double weighted = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const float e = w[at] - q[at];
      const float scaled =
          e * (by_row[static_cast<std::size_t>(i / cols)] * by_col[static_cast<std::size_t>(i % cols)]);
      ASSERT_EQ(out[at], scaled) << i;
      squared += double{e} * e;
      weighted += double{scaled} * scaled;
    }
    EXPECT_NEAR(sums.squared, squared, 1e-12 * squared);
    EXPECT_NEAR(sums.weighted, weighted, 1e-12 * weighted);
  }
}

}  // namespace
}  // namespace lq::backends
