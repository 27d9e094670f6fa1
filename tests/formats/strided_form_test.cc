#include "formats/strided_form.h"

#include <gtest/gtest.h>

#include <vector>

namespace lq {
namespace {

// Every element of a [rows, cols] view, and runs of it that begin anywhere, by where they lie.
void expect_strides(DType dtype, std::int64_t rows, std::int64_t cols, std::int64_t row_step,
                    std::int64_t col_step) {
  const std::int64_t span = (rows - 1) * row_step + (cols - 1) * col_step + 1;
  std::vector<float> values(static_cast<std::size_t>(span));
  for (std::int64_t i = 0; i < span; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>(i % 251);
  std::vector<std::byte> stored(values.size() * dtype_size(dtype));
  convert_from_f32(dtype, values.data(), span, stored.data());
  const StridedForm form(dtype, cols, row_step, col_step);
  EXPECT_EQ(form.name(), dtype_name(dtype));
  std::vector<float> all(static_cast<std::size_t>(rows * cols));
  form.to_f32(stored.data(), 0, rows * cols, all.data());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) {
      EXPECT_EQ(all[static_cast<std::size_t>(r * cols + c)],
                values[static_cast<std::size_t>(r * row_step + c * col_step)])
          << r << ", " << c;
    }
  }
  for (std::int64_t begin = 0; begin < rows * cols; begin += 7) {
    const std::int64_t n = std::min<std::int64_t>(5, rows * cols - begin);
    std::vector<float> part(static_cast<std::size_t>(n));
    form.to_f32(stored.data(), begin, n, part.data());
    EXPECT_EQ(part, std::vector<float>(all.begin() + begin, all.begin() + begin + n));
  }
}

TEST(StridedForm, TransposedInterleavedAndBoth) {
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    expect_strides(dtype, 5, 3, 1, 5);     // transposed
    expect_strides(dtype, 5, 3, 2, 10);    // every other column, transposed
    expect_strides(dtype, 9, 1, 2, 0);     // every other number of a vector
    expect_strides(dtype, 70, 90, 1, 70);  // longer than what is gathered at a time
  }
}

}  // namespace
}  // namespace lq
