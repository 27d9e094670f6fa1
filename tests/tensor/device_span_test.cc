#include "tensor/device_span.h"

#include <gtest/gtest.h>

#include <memory>

#include "tensor/matrix.h"

namespace lq {
namespace {

constexpr Device kCuda{DeviceKind::kCuda, 1};

TEST(DeviceSpan, HostMemoryConvertsAndDeviceMemoryDoesNotConvertBack) {
  std::vector<float> values = {1.0F, 2.0F, 3.0F};
  const Vector v = values;
  EXPECT_TRUE(v.device().is_cpu());
  const std::span<float> back = v;
  EXPECT_EQ(back.data(), values.data());
  EXPECT_EQ(back.size(), 3U);
  const ConstVector part = v.subspan(1, 2);
  EXPECT_EQ(part[1], 3.0F);

  const Vector away(values.data(), values.size(), kCuda);
  EXPECT_EQ(ConstVector(away).subspan(1, 1).device(), kCuda);
  EXPECT_THROW(static_cast<void>(static_cast<std::span<float>>(away)), Error);
  Vector copy = away;
  EXPECT_EQ(copy.device(), kCuda);
  const ConstVector read_only = copy;
  EXPECT_EQ(read_only.device(), kCuda);
  EXPECT_THROW(static_cast<void>(static_cast<std::span<const float>>(read_only)), Error);
  float sum = 0.0F;
  for (const float x : v) sum += x;
  EXPECT_EQ(sum, 6.0F);
}

TEST(Matrix, ViewsAndSlicesKeepTheDevice) {
  std::vector<float> values(6);
  const Matrix m{values.data(), 3, 2, kCuda};
  EXPECT_EQ(m.slice(1, 2).device, kCuda);
  EXPECT_EQ(ConstMatrix(m).slice(0, 1).device, kCuda);
  Tensor t = Tensor::adopt(DType::kF32, {3, 2}, kCuda, reinterpret_cast<std::byte*>(values.data()),
                           [](std::byte*) {});
  EXPECT_EQ(t.device(), kCuda);
  EXPECT_EQ(matrix_of(t).device, kCuda);
  EXPECT_EQ(const_matrix_of(t).row(1), values.data() + 2);
}

TEST(Tensor, AdoptsSharedMemoryAndLetsItGo) {
  auto bytes = std::make_shared<std::vector<float>>(6, 2.0F);
  const std::weak_ptr<std::vector<float>> watched = bytes;
  Tensor t = Tensor::adopt(DType::kF32, {2, 3}, kCuda,
                           std::shared_ptr<std::byte>(bytes, reinterpret_cast<std::byte*>(bytes->data())));
  bytes.reset();
  EXPECT_TRUE(t.owns());
  EXPECT_EQ(t.device(), kCuda);
  EXPECT_EQ(t.data<float>()[5], 2.0F);
  t = {};
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace lq
