#include "quant/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

TEST(PackedMatrix, IsAValueWhoseCopiesShareTheirBytes) {
  ThreadPool pool(1);
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(24);
  const float values[6] = {1, 2, 3, 4, 5, 6};
  std::memcpy(bytes->data(), values, sizeof(values));
  const std::weak_ptr<std::vector<std::uint8_t>> watched = bytes;
  const std::uint8_t* const data = bytes->data();
  const backends::PackedView view{
      .layout = backends::PackedLayout::kDense, .rows = 2, .cols = 3, .dense = {.data = data}};
  PackedMatrix matrix(
      {"dense", "f32"},
      {{"values", DType::kF32, {2, 3}, {data, 20}}, {"rest", DType::kU8, {4}, {data + 20, 4}}}, view,
      std::move(bytes));
  bytes.reset();
  EXPECT_EQ(matrix.storage_bytes(), 24);
  EXPECT_EQ(matrix.bits_per_weight(), 32);
  EXPECT_EQ(matrix.choice().name(), "dense f32");
  const PackedMatrix copy = matrix;
  matrix = PackedMatrix();
  EXPECT_EQ(matrix.rows(), 0);
  std::vector<float> out(6);
  copy.dequantize(pool, out.data());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), values));
  EXPECT_FALSE(watched.expired());
}

TEST(PackedMatrix, ShapesFromOneElementToTheMost) {
  const auto refused = [](std::int64_t rows, std::int64_t cols) {
    try {
      check_packed_shape(rows, cols, "w");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused(1, 1));
  EXPECT_FALSE(refused(kMostElements, 1));
  EXPECT_FALSE(refused(2, kMostElements / 2));
  EXPECT_TRUE(refused(0, 1));
  EXPECT_TRUE(refused(1, -1));
  EXPECT_TRUE(refused(kMostElements + 1, 1));
  EXPECT_TRUE(refused(3, kMostElements / 2));
  EXPECT_TRUE(refused(std::int64_t{1} << 62, std::int64_t{1} << 62));
}

}  // namespace
}  // namespace lq
