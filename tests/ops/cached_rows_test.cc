// Rows that join a cache, on every device of this machine.
#include "ops/cached_rows.h"

#include <gtest/gtest.h>

#include "ops/device_memory.h"
#include "ops/op_driver.h"

namespace lq {
namespace {

void append_on(Device device) {
  op_driver::OnDevice place(device);
  Context& ctx = place.ctx;
  constexpr std::int64_t kWidth = 5, kRows = 4;
  const auto there = [&](std::int64_t rows, float first) {
    Tensor t = Tensor::empty(DType::kF32, {rows, kWidth});
    for (std::int64_t i = 0; i < rows * kWidth; ++i)
      t.mutable_data<float>()[i] = first + static_cast<float>(i);
    return device.is_cpu() ? std::move(t) : copy_to_device(ctx, t);
  };
  const Tensor k = there(2, 100.0F), v = there(2, 200.0F);
  Tensor keys = there(kRows, 0.0F), values = there(kRows, 50.0F);
  append_rows(ctx, {0, 2, 0, 3}, const_matrix_of(k), const_matrix_of(v), matrix_of(keys).slice(0, 3),
              matrix_of(values).slice(0, 3));
  const Tensor have_keys = copy_to_host(ctx, keys), have_values = copy_to_host(ctx, values);
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) {
    const bool is_new = i >= kWidth && i < 3 * kWidth;
    const auto at = static_cast<float>(i);
    EXPECT_EQ(have_keys.data<float>()[i], is_new ? 100.0F + at - kWidth : at) << i;
    EXPECT_EQ(have_values.data<float>()[i], is_new ? 200.0F + at - kWidth : 50.0F + at) << i;
  }
  EXPECT_THROW(append_rows(ctx, {0, 2, 0, 3}, const_matrix_of(k), const_matrix_of(v), matrix_of(keys),
                           matrix_of(values)),
               Error);
}

TEST(CachedRows, AppendOnTheProcessor) { append_on({}); }

TEST(CachedRows, AppendOnDevices) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) append_on(device);
}

}  // namespace
}  // namespace lq
