// Tiles of the sums that calibration gathers against plain sums in double, over odd heights and widths that
// begin anywhere within their rows.
#include "backends/cpu/moment_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends::cpu {
namespace {

using reference::normals;

constexpr double kHalfUlp = 0x1p-24;  // of f32: one rounding

struct TileCase {
  std::int64_t rows, a_stride, a_begin, a_width, b_stride, b_begin, b_width;
};

const std::vector<TileCase> kTiles = {
    {1, 1, 0, 1, 1, 0, 1},     {7, 9, 2, 5, 4, 1, 3},        {13, 20, 0, 20, 33, 16, 17},
    {513, 31, 30, 1, 9, 0, 9}, {1030, 70, 3, 65, 40, 7, 33},
};

TEST(MomentSums, ProductsAreAddedToWhatIsThere) {
  ThreadPool pool(1);
  for (const TileCase& c : kTiles) {
    const auto a = normals(static_cast<std::size_t>(c.rows * c.a_stride), 1);
    const auto b = normals(static_cast<std::size_t>(c.rows * c.b_stride), 2);
    const std::int64_t stride = c.b_width + 2;
    std::vector<double> sums(static_cast<std::size_t>(c.a_width * stride), 0.25);
    add_products(pool, c.rows, {a.data(), c.a_stride, c.a_begin, c.a_width},
                 {b.data(), c.b_stride, c.b_begin, c.b_width}, sums.data(), stride);
    for (std::int64_t i = 0; i < c.a_width; ++i) {
      for (std::int64_t j = 0; j < stride; ++j) {
        const double have = sums[static_cast<std::size_t>(i * stride + j)];
        if (j >= c.b_width) {
          ASSERT_EQ(have, 0.25) << "between rows";
          continue;
        }
        double want = 0.25, size = 0.0;
        for (std::int64_t t = 0; t < c.rows; ++t) {
          const double term = double{a[static_cast<std::size_t>(t * c.a_stride + c.a_begin + i)]} *
                              b[static_cast<std::size_t>(t * c.b_stride + c.b_begin + j)];
          want += term;
          size += std::abs(term);
        }
        ASSERT_NEAR(have, want, static_cast<double>(c.rows + 2) * kHalfUlp * size + 1e-15)
            << c.rows << ' ' << i << ' ' << j;
      }
    }
  }
}

TEST(MomentSums, RowsAreScaledByTheNormOfTheOthers) {
  for (const auto& [rows, cols, g_cols] : {std::tuple(1, 1, 1), std::tuple(3, 17, 5), std::tuple(9, 8, 33)}) {
    const auto x = normals(static_cast<std::size_t>(rows * cols), 1);
    const auto g = normals(static_cast<std::size_t>(rows * g_cols), 2);
    std::vector<float> out(x.size());
    scale_by_norms(rows, cols, x.data(), g_cols, g.data(), out.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      double square = 0.0;
      const std::size_t row = i / static_cast<std::size_t>(cols) * static_cast<std::size_t>(g_cols);
      for (std::size_t k = 0; k < static_cast<std::size_t>(g_cols); ++k)
        square += double{g[row + k]} * g[row + k];
      const double want = std::sqrt(square) * x[i];
      EXPECT_NEAR(out[i], want, 3 * kHalfUlp * std::abs(want));  // the norm and the product are rounded
    }
  }
}

TEST(MomentSums, ATriangleGivesItsDiagonalAndBothHalves) {
  constexpr std::int64_t kSize = 7, kBegin = 3, kHeight = 4, kStride = 9;
  std::vector<double> sums(kHeight * kStride);
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = static_cast<double>(i) + 0.1;
  double diagonal = 0.0;
  for (std::int64_t i = 0; i < kHeight; ++i)
    diagonal += sums[static_cast<std::size_t>(i * kStride + kBegin + i)];
  EXPECT_EQ(diagonal_sum(kBegin, kHeight, kStride, sums.data()), diagonal);
  std::vector<float> out(kSize * kSize, -1.0F);
  write_symmetric(kSize, kBegin, kHeight, kStride, 0.5, sums.data(), out.data());
  for (std::int64_t i = 0; i < kSize; ++i) {
    for (std::int64_t j = 0; j < kSize; ++j) {
      const std::int64_t row = std::max(i, j), col = std::min(i, j);
      const float want =
          row < kBegin
              ? -1.0F
              : static_cast<float>(0.5 * sums[static_cast<std::size_t>((row - kBegin) * kStride + col)]);
      EXPECT_EQ(out[static_cast<std::size_t>(i * kSize + j)], want) << i << ' ' << j;
    }
  }
}

TEST(MomentSums, SquaredProductsOfEachSequence) {
  ThreadPool pool(1);
  for (const TileCase& c : kTiles) {
    const auto dy = normals(static_cast<std::size_t>(c.rows * c.a_stride), 1);
    const auto x = normals(static_cast<std::size_t>(c.rows * c.b_stride), 2);
    const std::vector<std::int64_t> starts = {0, c.rows / 3, c.rows / 3, c.rows};  // one of them is empty
    const std::int64_t stride = c.b_width + 1;
    std::vector<double> rows(static_cast<std::size_t>(c.a_width), 1.0);
    std::vector<double> cols(static_cast<std::size_t>(c.b_width), 2.0);
    std::vector<double> all(static_cast<std::size_t>(c.a_width * stride), 3.0);
    const ColumnRange dy_range{dy.data(), c.a_stride, c.a_begin, c.a_width};
    const ColumnRange x_range{x.data(), c.b_stride, c.b_begin, c.b_width};
    add_squared_products(pool, starts, dy_range, x_range, rows.data(), cols.data(), all.data(), stride);
    std::vector<double> row_want(rows.size(), 1.0), row_bound(rows.size());
    std::vector<double> col_want(cols.size(), 2.0), col_bound(cols.size());
    for (std::int64_t i = 0; i < c.a_width; ++i) {
      for (std::int64_t j = 0; j < c.b_width; ++j) {
        double want = 0.0, bound = 0.0;
        for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
          double g = 0.0, size = 0.0;
          for (std::int64_t t = starts[s]; t < starts[s + 1]; ++t) {
            const double term = double{dy[static_cast<std::size_t>(t * c.a_stride + c.a_begin + i)]} *
                                x[static_cast<std::size_t>(t * c.b_stride + c.b_begin + j)];
            g += term;
            size += std::abs(term);
          }
          // g errs by e, its square by 2 |g| e + e^2 and a rounding.
          const double e = static_cast<double>(starts[s + 1] - starts[s] + 2) * kHalfUlp * size;
          want += g * g;
          bound += 2.0 * std::abs(g) * e + e * e + kHalfUlp * (std::abs(g) + e) * (std::abs(g) + e);
        }
        ASSERT_NEAR(all[static_cast<std::size_t>(i * stride + j)], 3.0 + want, bound + 1e-12);
        const auto r = static_cast<std::size_t>(i), k = static_cast<std::size_t>(j);
        // Squares are then added up in f32 within a row and within a column of the tile.
        row_want[r] += want,
            row_bound[r] += bound + static_cast<double>(c.b_width) * kHalfUlp * (want + bound);
        col_want[k] += want,
            col_bound[k] += bound + static_cast<double>(c.a_width) * kHalfUlp * (want + bound);
      }
      EXPECT_EQ(all[static_cast<std::size_t>(i * stride + c.b_width)], 3.0) << "between rows";
    }
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_NEAR(rows[i], row_want[i], row_bound[i] + 1e-12);
    for (std::size_t j = 0; j < cols.size(); ++j) ASSERT_NEAR(cols[j], col_want[j], col_bound[j] + 1e-12);
    // Without `all` the other sums are the same.
    std::vector<double> rows_alone(rows.size(), 1.0), cols_alone(cols.size(), 2.0);
    add_squared_products(pool, starts, dy_range, x_range, rows_alone.data(), cols_alone.data(), nullptr, 0);
    EXPECT_EQ(rows_alone, rows);
    EXPECT_EQ(cols_alone, cols);
  }
}

TEST(MomentSums, PartsAreAddedInTheirOrder) {
  std::vector<double> parts;
  for (const float x : normals(5 * 13, 1, 1e8F)) parts.push_back(x);
  const auto sum = sum_of_parts(5, 13, parts.data());
  ASSERT_EQ(sum.size(), 13U);
  std::vector<float> scaled(13);
  scaled_to_f32(13, 1.0 / 3.0, sum.data(), scaled.data());
  for (std::size_t i = 0; i < 13; ++i) {
    EXPECT_EQ(sum[i], parts[i] + parts[13 + i] + parts[26 + i] + parts[39 + i] + parts[52 + i]);
    EXPECT_EQ(scaled[i], static_cast<float>(1.0 / 3.0 * sum[i]));
  }
  EXPECT_EQ(sum_of_parts(0, 2, nullptr), (std::vector<double>{0.0, 0.0}));
}

}  // namespace
}  // namespace lq::backends::cpu
