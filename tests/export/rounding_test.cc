#include "export/rounding.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

Tensor row_of(std::initializer_list<float> values) {
  Tensor t = Tensor::empty(DType::kF32, {1, static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

TEST(Rounding, SaysWhatChanged) {
  ThreadPool pool(2);
  Rounding sum;
  // bf16 has 8 bits of mantissa: 1 + 2^-8 lies between 1 and 1 + 2^-7, and goes to the even one.
  const Tensor stored = rounded_to(pool, DType::kBf16, row_of({1.0F + 0x1p-8F, 2.0F}), "w", sum);
  EXPECT_EQ(stored.dtype(), DType::kBf16);
  EXPECT_DOUBLE_EQ(sum.squared_error, 0x1p-16);
  EXPECT_NEAR(sum.relative(), 0x1p-8 / std::sqrt(5.0), 1e-5);
  rounded_to(pool, DType::kF32, row_of({1.1F}), "w", sum);
  EXPECT_DOUBLE_EQ(sum.squared_error, 0x1p-16) << "f32 changes nothing";
  EXPECT_EQ(Rounding().relative(), 0.0);
}

TEST(Rounding, RefusesWhatTheTypeCannotHold) {
  ThreadPool pool(2);
  Rounding sum;
  rounded_to(pool, DType::kF16, row_of({65504.0F, -65504.0F}), "w", sum);
  try {
    rounded_to(pool, DType::kF16, row_of({1.0F, -1e5F}), "model.w", sum);
    ADD_FAILURE() << "written";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[export] model.w: a weight is beyond the range of F16; choose another `dtype`");
  }
}

}  // namespace
}  // namespace lq
