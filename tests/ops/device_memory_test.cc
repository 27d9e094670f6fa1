// Tensors and copies on the processor, where every build has them; devices: tests/ops/*_devices_test.cc.
#include "ops/device_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "base/error.h"
#include "base/progress.h"
#include "tensor/matrix.h"

namespace lq {
namespace {

struct OnProcessor {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
};

TEST(DeviceMemory, TheProcessorNeedsNoQueue) { EXPECT_EQ(open_device_queue(Device{}), nullptr); }

TEST(DeviceMemory, TensorsAreOwnedAndHaveTheirShape) {
  OnProcessor p;
  const Tensor t = empty_tensor(Device{}, DType::kBf16, {3, 5});
  EXPECT_TRUE(t.owns());
  EXPECT_EQ(t.shape(), (Shape{3, 5}));
  EXPECT_EQ(t.bytes(), 30U);
  EXPECT_TRUE(t.device().is_cpu());
  const Tensor zeros = zeros_on_device(p.ctx, DType::kF32, {7});
  for (std::int64_t i = 0; i < 7; ++i) EXPECT_EQ(zeros.data<float>()[i], 0.0F);
}

TEST(DeviceMemory, CopiesAreOthersWithTheSameNumbers) {
  OnProcessor p;
  Tensor from = Tensor::empty(DType::kF32, {2, 3});
  std::iota(from.mutable_data<float>(), from.mutable_data<float>() + 6, 1.0F);
  const Tensor there = copy_to_device(p.ctx, from);
  const Tensor back = copy_to_host(p.ctx, there);
  EXPECT_TRUE(there.owns() && back.owns());
  EXPECT_EQ(back.shape(), from.shape());
  from.mutable_data<float>()[0] = 100.0F;  // copies do not follow
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(there.data<float>()[i], static_cast<float>(i + 1));
    EXPECT_EQ(back.data<float>()[i], static_cast<float>(i + 1));
  }
}

TEST(DeviceMemory, NumbersOfTheHostAreReadWhereTheyLie) {
  OnProcessor p;
  const std::array<float, 4> values = {1.0F, 2.0F, 3.0F, 4.0F};
  std::vector<float> room;
  const std::span<const float> seen = on_host(p.ctx, {values.data(), 4}, room);
  EXPECT_EQ(seen.data(), values.data());
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_TRUE(room.empty());
}

TEST(DeviceMemory, ValuesAndBytesArriveWhole) {
  OnProcessor p;
  const std::array<float, 3> from = {5.0F, 6.0F, 7.0F};
  std::array<float, 3> to = {};
  copy_values(p.ctx, {from.data(), 3}, {to.data(), 3});
  EXPECT_EQ(to, from);
  Tensor t = Tensor::empty(DType::kF32, {3});
  copy_bytes(p.ctx, reinterpret_cast<const std::byte*>(from.data()), t);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(t.data<float>()[i], from[i]);
}

}  // namespace
}  // namespace lq
