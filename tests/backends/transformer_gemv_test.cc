// Products of stored matrices with up to four vectors against sums in double, for every type and from any
// address.
#include "backends/cpu/transformer_gemv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/float16.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

struct StoredMatrix {
  std::vector<std::uint8_t> bytes;  // from byte 1 on
  std::vector<float> values;

  StoredMatrix(DenseType type, const std::vector<float>& from) : values(from) {
    const std::size_t width = type == DenseType::kF32 ? 4 : 2;
    bytes.resize(1 + width * from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::uint8_t* to = bytes.data() + 1 + width * i;
      if (type == DenseType::kBf16) {
        const bf16 b = to_bf16(from[i]);
        values[i] = to_float(b);
        std::memcpy(to, &b, 2);
      } else if (type == DenseType::kF16) {
        const f16 h = to_f16(from[i]);
        values[i] = to_float(h);
        std::memcpy(to, &h, 2);
      } else {
        std::memcpy(to, &from[i], 4);
      }
    }
  }
};

TEST(TransformerGemv, EveryTypeCountAndRemainder) {
  ThreadPool one(1);
  ThreadPool seven(7);
  for (const DenseType type : {DenseType::kF32, DenseType::kBf16, DenseType::kF16}) {
    for (const std::int64_t cols : {1, 15, 16, 17, 64, 133}) {
      const std::int64_t rows = 37;
      const StoredMatrix w(type, normals(static_cast<std::size_t>(rows * cols), 1));
      for (std::int64_t count = 1; count <= kGemvVectors; ++count) {
        const auto x = normals(static_cast<std::size_t>(count * cols), 2);
        std::vector<float> y(static_cast<std::size_t>(count * rows));
        dense_gemv(one, type, w.bytes.data() + 1, rows, cols, x.data(), count, y.data());
        for (std::int64_t j = 0; j < count; ++j) {
          for (std::int64_t i = 0; i < rows; ++i) {
            double sum = 0.0;
            double sizes = 0.0;
            for (std::int64_t k = 0; k < cols; ++k) {
              const double term = double{w.values[static_cast<std::size_t>(i * cols + k)]} *
                                  x[static_cast<std::size_t>(j * cols + k)];
              sum += term;
              sizes += std::abs(term);
            }
            ASSERT_NEAR(y[static_cast<std::size_t>(j * rows + i)], sum, 1e-6 * sizes) << cols << ' ' << count;
          }
        }
        std::vector<float> again(y.size());
        dense_gemv(seven, type, w.bytes.data() + 1, rows, cols, x.data(), count, again.data());
        EXPECT_EQ(again, y);
      }
    }
  }
}

TEST(TransformerGemv, ManyJobsGiveTheSameBits) {
  ThreadPool one(1);
  ThreadPool three(3);
  const std::int64_t rows = 3000;
  const std::int64_t cols = 257;
  const auto w = normals(static_cast<std::size_t>(rows * cols), 1);
  const auto x = normals(static_cast<std::size_t>(cols), 2);
  std::vector<float> y(static_cast<std::size_t>(rows));
  std::vector<float> again(y.size());
  dense_gemv(one, DenseType::kF32, w.data(), rows, cols, x.data(), 1, y.data());
  dense_gemv(three, DenseType::kF32, w.data(), rows, cols, x.data(), 1, again.data());
  EXPECT_EQ(again, y);
}

}  // namespace
}  // namespace lq::backends
