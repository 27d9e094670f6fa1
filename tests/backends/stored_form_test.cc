// Weights that a form of their file decodes: products against sums in double.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "backends/packed_parts.h"
#include "base/error.h"
#include "reference/numbers.h"
#include "tensor/tensor_view.h"

namespace lq::backends {
namespace {

// Element i is a quarter of the signed byte i.
class QuarterForm final : public StoredForm {
 public:
  std::string_view name() const override { return "QUARTERS"; }
  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = 0.25F * static_cast<float>(static_cast<std::int8_t>(data[begin + i]));
    }
  }
};

struct QuarterCase {
  QuarterCase(std::int64_t rows, std::int64_t cols) : bytes(static_cast<std::size_t>(rows * cols)) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + i / 7);
    view = {.layout = PackedLayout::kStored,
            .rows = rows,
            .cols = cols,
            .stored = {.form = &form, .data = bytes.data()}};
  }
  double value(std::int64_t i, std::int64_t k) const {
    return 0.25 * static_cast<std::int8_t>(bytes[static_cast<std::size_t>(i * view.cols + k)]);
  }

  QuarterForm form;
  std::vector<std::byte> bytes;
  PackedView view;
};

TEST(StoredForm, IsDecodedInPiecesAndAsAWhole) {
  ThreadPool pool(3);
  const QuarterCase w(17, 1100);
  std::vector<float> all(17 * 1100);
  packed_decode(pool, w.view, all.data());
  std::vector<float> part(500);
  packed_decode(pool, w.view, 999, 500, part.data());
  for (std::int64_t i = 0; i < 17 * 1100; ++i) {
    ASSERT_EQ(all[static_cast<std::size_t>(i)], w.value(i / 1100, i % 1100)) << i;
  }
  EXPECT_EQ(part, std::vector<float>(all.begin() + 999, all.begin() + 1499));
}

TEST(StoredForm, ProductsAreThoseOfItsValues) {
  for (const auto& [rows, cols] : {std::pair{1, 1}, {3, 15}, {9, 1024}, {20, 2085}}) {
    const QuarterCase w(rows, cols);
    ASSERT_TRUE(packed_has_few(w.view));
    for (const std::int64_t n : {1, 3, 4, 9}) {
      const auto x = reference::normals(static_cast<std::size_t>(n * cols), 3);
      std::vector<float> once;
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        std::vector<float> y(static_cast<std::size_t>(n * rows));
        if (n <= 4) {
          packed_few(pool, w.view, x.data(), n, y.data(), nullptr, true);
        } else {
          packed_forward(pool, w.view, x.data(), n, y.data(), GemmPrecision::kF32);
        }
        if (threads == 1) once = y;
        ASSERT_EQ(y, once);
      }
      for (std::int64_t j = 0; j < n; ++j) {
        for (std::int64_t i = 0; i < rows; ++i) {
          double sum = 0.0;
          double magnitude = 0.0;
          for (std::int64_t k = 0; k < cols; ++k) {
            const double product = w.value(i, k) * double{x[static_cast<std::size_t>(j * cols + k)]};
            sum += product;
            magnitude += std::abs(product);
          }
          ASSERT_NEAR(once[static_cast<std::size_t>(j * rows + i)], sum,
                      (static_cast<double>(cols) + 4) * 6e-8 * magnitude)
              << rows << 'x' << cols << " n " << n;
        }
      }
    }
  }
}

TEST(StoredForm, StaysOnTheProcessor) {
  QuarterCase w(2, 3);
  try {
    move_parts(w.view, [](const void* from, std::int64_t) { return from; });
    FAIL() << "moved";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string_view(e.what()).find("processor only"), std::string_view::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq::backends
