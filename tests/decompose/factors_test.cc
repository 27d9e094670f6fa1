#include "decompose/factors.h"

#include <gtest/gtest.h>

#include "base/float16.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

Factors some_factors() {
  Factors f{2, Tensor::empty(DType::kF32, {3, 2}), Tensor::empty(DType::kF32, {2, 4})};
  for (std::int64_t i = 0; i < 6; ++i) f.l1.mutable_data<float>()[i] = 1.0F + 0.01F * static_cast<float>(i);
  for (std::int64_t i = 0; i < 8; ++i) f.l2.mutable_data<float>()[i] = -3.0F * static_cast<float>(i);
  return f;
}

TEST(Factors, CopiesAreApart) {
  testing_support::Workbench run;
  Factors f = some_factors();
  const Factors copy = copy_of(run.context, f);
  const Factors host = on_processor(run.context, f);
  f.l1.mutable_data<float>()[0] = 99.0F;
  EXPECT_EQ(copy.rank, 2);
  EXPECT_EQ(copy.l1.data<float>()[0], 1.0F);
  EXPECT_EQ(host.l2.data<float>()[7], -21.0F);
  EXPECT_EQ(copy_of(run.context, {}).rank, 0);
  EXPECT_EQ(on_device(run.context, some_factors()).l1.data<float>()[5], 1.05F);
}

TEST(Factors, AreRoundedToWhatTheyAreStoredAs) {
  Factors f = some_factors();
  round_factors(f, DType::kF32);
  EXPECT_EQ(f.l1.data<float>()[5], 1.05F);
  round_factors(f, DType::kBf16);
  EXPECT_EQ(f.l1.data<float>()[5], to_float(to_bf16(1.05F)));
  EXPECT_NE(f.l1.data<float>()[5], 1.05F);
}

}  // namespace
}  // namespace lq
