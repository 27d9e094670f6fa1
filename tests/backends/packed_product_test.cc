// Every layout's decoding and products against sums in double. The codebook's own kernels have
// nf_gemv_test.cc and nf_encode_test.cc.
#include "backends/cpu/packed_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/float16.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

// A matrix of whole numbers with the values that it must decode to. Its bytes lie at an odd address.
struct IntRowCase {
  IntRowCase(int bits, std::int64_t rows, std::int64_t cols)
      : codes(static_cast<std::size_t>(rows * ((cols * bits + 7) / 8))),
        scales(static_cast<std::size_t>(4 * rows + 1)),
        values(static_cast<std::size_t>(rows * cols)) {
    const std::int64_t row_bytes = (cols * bits + 7) / 8;
    for (std::int64_t i = 0; i < rows; ++i) {
      const float scale = 0.25F + 0.01F * static_cast<float>(i);
      std::memcpy(scales.data() + 1 + 4 * i, &scale, 4);
      for (std::int64_t k = 0; k < cols; ++k) {
        const int code = static_cast<int>((i * 31 + k * 17 + 5) % (1 << bits));
        for (int bit = 0; bit < bits; ++bit) {
          const std::int64_t at = k * bits + bit;
          codes[static_cast<std::size_t>(i * row_bytes + at / 8)] |=
              static_cast<std::uint8_t>((code >> bit & 1) << at % 8);
        }
        values[static_cast<std::size_t>(i * cols + k)] = scale * static_cast<float>(code - (1 << (bits - 1)));
      }
    }
    view = {.layout = PackedLayout::kIntRow,
            .rows = rows,
            .cols = cols,
            .int_row = {.codes = codes.data(), .scales = scales.data() + 1, .bits = bits}};
  }
  IntRowCase(const IntRowCase&) = delete;
  IntRowCase& operator=(const IntRowCase&) = delete;

  std::vector<std::uint8_t> codes, scales;
  std::vector<float> values;
  PackedView view;
};

void expect_products(const PackedView& w, const std::vector<float>& values) {
  ThreadPool pool(3);
  for (const std::int64_t n : {1, 2, 3, 4, 5, 33}) {
    const auto x = normals(static_cast<std::size_t>(n * w.cols), 2);
    std::vector<float> y(static_cast<std::size_t>(n * w.rows));
    if (n <= 4 && packed_has_few(w)) {
      std::vector<float> scratch(static_cast<std::size_t>(packed_few_scratch(w, n)));
      packed_few(pool, w, x.data(), n, y.data(), scratch.data(), true);
    } else {
      packed_forward(pool, w, x.data(), n, y.data(), GemmPrecision::kF32);
    }
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < w.rows; ++i) {
        double sum = 0.0;
        double magnitude = 0.0;
        for (std::int64_t k = 0; k < w.cols; ++k) {
          const double product = double{values[static_cast<std::size_t>(i * w.cols + k)]} *
                                 x[static_cast<std::size_t>(j * w.cols + k)];
          sum += product;
          magnitude += std::abs(product);
        }
        ASSERT_NEAR(y[static_cast<std::size_t>(j * w.rows + i)], sum,
                    (static_cast<double>(w.cols) + 4) * 6e-8 * magnitude)
            << w.rows << 'x' << w.cols << " n " << n << " at " << j << ',' << i;
      }
    }
    const auto dy = normals(static_cast<std::size_t>(n * w.rows), 3);
    std::vector<float> dx(static_cast<std::size_t>(n * w.cols), 0.5F);
    packed_backward(pool, w, dy.data(), n, dx.data(), 1.0F, GemmPrecision::kF32);
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t k = 0; k < w.cols; ++k) {
        double sum = 0.5;
        double magnitude = 0.5;
        for (std::int64_t i = 0; i < w.rows; ++i) {
          const double product = double{values[static_cast<std::size_t>(i * w.cols + k)]} *
                                 dy[static_cast<std::size_t>(j * w.rows + i)];
          sum += product;
          magnitude += std::abs(product);
        }
        ASSERT_NEAR(dx[static_cast<std::size_t>(j * w.cols + k)], sum,
                    (static_cast<double>(w.rows) + 4) * 6e-8 * magnitude);
      }
    }
  }
}

TEST(PackedProduct, IntRowDecodesEveryRangeToItsValues) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4, 5, 8}) {
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 15}, {2, 17}, {5, 64}, {4, 131}}) {
      const IntRowCase c(bits, rows, cols);
      std::vector<float> out(c.values.size());
      packed_decode(pool, c.view, out.data());
      ASSERT_EQ(out, c.values) << bits << " bits " << rows << 'x' << cols;
      const std::int64_t total = rows * cols;
      for (std::int64_t begin = 0; begin < total; begin += 7) {
        const std::int64_t count = std::min<std::int64_t>(total - begin, 40);
        std::vector<float> part(static_cast<std::size_t>(count));
        packed_decode(pool, c.view, begin, count, part.data());
        ASSERT_TRUE(std::equal(part.begin(), part.end(), c.values.begin() + begin));
      }
    }
  }
}

TEST(PackedProduct, IntRowMultipliesForwardAndBackward) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {7, 63}, {17, 64}, {33, 129}}) {
      const IntRowCase c(bits, rows, cols);
      expect_products(c.view, c.values);
    }
  }
}

TEST(PackedProduct, IntRowGivesTheSameBitsOnAnyNumberOfThreads) {
  const IntRowCase c(3, 211, 96);
  for (const std::int64_t n : {1, 4, 9}) {
    const auto x = normals(static_cast<std::size_t>(n * 96), 2);
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 7}) {
      ThreadPool pool(threads);
      std::vector<float> y(static_cast<std::size_t>(n * 211));
      if (n <= 4) {
        packed_few(pool, c.view, x.data(), n, y.data(), nullptr, false);
      } else {
        packed_forward(pool, c.view, x.data(), n, y.data(), GemmPrecision::kF32);
      }
      results.push_back(y);
    }
    EXPECT_EQ(results[0], results[1]);
  }
}

TEST(PackedProduct, DenseValuesOfEveryTypeMultiply) {
  constexpr std::int64_t kRows = 19, kCols = 45;
  const auto w = normals(kRows * kCols, 4);
  std::vector<float> values(w.size());
  std::vector<std::uint8_t> bytes(4 * w.size() + 1);
  for (const DenseType type : {DenseType::kF32, DenseType::kBf16, DenseType::kF16}) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (type == DenseType::kF32) {
        values[i] = w[i];
        std::memcpy(bytes.data() + 1 + 4 * i, &w[i], 4);
      } else if (type == DenseType::kBf16) {
        const bf16 stored = to_bf16(w[i]);
        values[i] = to_float(stored);
        std::memcpy(bytes.data() + 1 + 2 * i, &stored, 2);
      } else {
        const f16 stored = to_f16(w[i]);
        values[i] = to_float(stored);
        std::memcpy(bytes.data() + 1 + 2 * i, &stored, 2);
      }
    }
    const PackedView view{.layout = PackedLayout::kDense,
                          .rows = kRows,
                          .cols = kCols,
                          .dense = {.data = bytes.data() + 1, .type = type}};
    expect_products(view, values);
  }
}

}  // namespace
}  // namespace lq::backends
