#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/float16.h"

namespace lq {
namespace {

TEST(Tensor, OwnsOrBorrows) {
  Tensor t = Tensor::zeros(DType::kF32, {2, 3});
  EXPECT_EQ(t.numel(), 6);
  EXPECT_EQ(t.bytes(), 24U);
  EXPECT_TRUE(t.owns());
  t.mutable_data<float>()[5] = 4.0F;
  Tensor view = Tensor::borrow(DType::kF32, {3, 2}, t.raw());
  EXPECT_FALSE(view.owns());
  EXPECT_EQ(view.data<float>()[5], 4.0F);
  EXPECT_THROW(view.mutable_raw(), Error);
}

TEST(Tensor, SlicesShareStorageAndOutliveTheWhole) {
  Tensor part;
  {
    Tensor whole = Tensor::zeros(DType::kF32, {10});
    part = whole.slice(DType::kF32, {2, 3}, 4 * sizeof(float));
    whole.mutable_data<float>()[9] = 7.0F;
    part.mutable_data<float>()[0] = 3.0F;
    EXPECT_EQ(whole.data<float>()[4], 3.0F);
    EXPECT_THROW(whole.slice(DType::kF32, {7}, 4 * sizeof(float)), Error);  // past the end
    EXPECT_THROW(whole.slice(DType::kF32, {0}, 44), Error);
    EXPECT_THROW(whole.slice(DType::kF32, {1}, 2), Error);  // not aligned
    Tensor borrowed = Tensor::borrow(DType::kF32, {10}, whole.raw());
    EXPECT_THROW(borrowed.slice(DType::kF32, {1}, 0), Error);
  }
  EXPECT_TRUE(part.owns());
  EXPECT_EQ(part.data<float>()[5], 7.0F);
  Tensor inner = part.slice(DType::kF32, {1}, 5 * sizeof(float));
  inner.mutable_data<float>()[0] = 8.0F;
  EXPECT_EQ(part.data<float>()[5], 8.0F);
}

TEST(Tensor, ConvertsUnalignedSources) {
  for (const DType dtype : {DType::kF32, DType::kBf16, DType::kF16}) {
    const std::vector<float> x = {1.0F, -2.5F, 0.0F, 1024.0F};
    std::vector<std::byte> bytes(1 + 4 * dtype_size(dtype));
    std::vector<std::byte> aligned(4 * dtype_size(dtype));
    convert_from_f32(dtype, x.data(), 4, aligned.data());
    std::memcpy(bytes.data() + 1, aligned.data(), aligned.size());
    std::vector<float> back(3);
    convert_to_f32(dtype, bytes.data() + 1, 1, 3, back.data());
    EXPECT_EQ(back, (std::vector<float>{-2.5F, 0.0F, 1024.0F})) << dtype_name(dtype);
  }
  float out = 0.0F;
  const double wide[2] = {1.0, 0.1};
  convert_to_f32(DType::kF64, reinterpret_cast<const std::byte*>(wide), 1, 1, &out);
  EXPECT_EQ(out, 0.1F);
  const std::byte raw[8] = {};
  EXPECT_THROW(convert_to_f32(DType::kI64, raw, 0, 1, &out), Error);
}

}  // namespace
}  // namespace lq
