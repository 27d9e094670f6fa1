#include "nn/parameter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/progress.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

const std::vector<float> kFourNumbers = {1.0F, -2.5F, 0.0F, 96.0F};  // exact in BF16

Parameter owned_parameter() {
  Parameter p{"w", Tensor::empty(DType::kF32, {2, 2}), {}};
  std::copy(kFourNumbers.begin(), kFourNumbers.end(), p.value.mutable_data<float>());
  return p;
}

std::vector<float> listed(ConstVector v) { return {v.begin(), v.end()}; }

TEST(Parameter, LearnsOnlyWhenAsked) {
  Parameter p = owned_parameter();
  EXPECT_FALSE(p.trainable());
  EXPECT_TRUE(p.grads().empty());
  p.zero_grad();  // nothing to do
  p.make_trainable();
  EXPECT_TRUE(p.trainable());
  EXPECT_EQ(listed(p.grads()), std::vector<float>(4, 0.0F));
  EXPECT_EQ(p.grad.shape(), (Shape{2, 2}));
  p.freeze();
  EXPECT_FALSE(p.trainable());
  EXPECT_EQ(listed(p.values()), kFourNumbers);
}

TEST(Parameter, OwnedFloatsStayWhereTheyAre) {
  Parameter p = owned_parameter();
  const std::byte* at = p.value.raw();
  p.make_trainable();
  EXPECT_EQ(p.value.raw(), at);
}

TEST(Parameter, BorrowedFloatsAreCopied) {
  Parameter p{
      "w", Tensor::borrow(DType::kF32, {4}, reinterpret_cast<const std::byte*>(kFourNumbers.data())), {}};
  p.make_trainable();
  EXPECT_TRUE(p.value.owns());
  p.value.mutable_data<float>()[0] = 7.0F;
  EXPECT_EQ(kFourNumbers[0], 1.0F);
  EXPECT_EQ(listed(p.values()), (std::vector<float>{7.0F, -2.5F, 0.0F, 96.0F}));
}

TEST(Parameter, SmallerTypesBecomeFloats) {
  for (const DType dtype : {DType::kBf16, DType::kF16}) {
    Parameter p{"w", Tensor::empty(dtype, {2, 2}), {}};
    convert_from_f32(dtype, kFourNumbers.data(), 4, p.value.mutable_raw());
    p.make_trainable();
    EXPECT_EQ(p.value.dtype(), DType::kF32);
    EXPECT_EQ(p.value.shape(), (Shape{2, 2}));
    EXPECT_EQ(listed(p.values()), kFourNumbers);
  }
}

TEST(Parameter, GradientsAreZeroedInPlace) {
  Parameter p = owned_parameter();
  p.make_trainable();
  float* grad = p.grads().data();
  std::fill_n(grad, 4, 3.0F);
  p.zero_grad();
  EXPECT_EQ(p.grads().data(), grad);
  EXPECT_EQ(listed(p.grads()), std::vector<float>(4, 0.0F));
  std::fill_n(grad, 4, 3.0F);
  p.make_trainable();  // once more: from zero again
  EXPECT_EQ(listed(p.grads()), std::vector<float>(4, 0.0F));
}

TEST(Parameter, OnTheProcessorNothingMoves) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p = owned_parameter();
  p.make_trainable();
  const std::byte* value = p.value.raw();
  const std::byte* grad = p.grad.raw();
  p.to_device(ctx);
  p.to_host(ctx);
  EXPECT_EQ(p.value.raw(), value);
  EXPECT_EQ(p.grad.raw(), grad);
}

TEST(Parameter, WhatLiesElsewhereCannotBeginToLearn) {
  float number = 0.0F;
  Parameter p{"model.norm.weight",
              Tensor::adopt(DType::kF32, {1}, Device{DeviceKind::kCuda, 0},
                            reinterpret_cast<std::byte*>(&number), [](std::byte*) {}),
              {}};
  io_test::expect_error(ErrorCode::kInternal,
                        {"model.norm.weight is on cuda:0 already: what learns is chosen before"},
                        [&] { p.make_trainable(); });
}

}  // namespace
}  // namespace lq
