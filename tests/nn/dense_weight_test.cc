#include "nn/dense_weight.h"

#include <gtest/gtest.h>

#include "nn/parameter.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(DenseWeight, KnowsTheTypesThatProductsRead) {
  EXPECT_EQ(dense_type(DType::kF32), backends::DenseType::kF32);
  EXPECT_EQ(dense_type(DType::kBf16), backends::DenseType::kBf16);
  EXPECT_EQ(dense_type(DType::kF16), backends::DenseType::kF16);
  io_test::expect_error(ErrorCode::kInternal, {"a dense weight cannot be", "I64"},
                        [] { dense_type(DType::kI64); });
}

}  // namespace
}  // namespace lq
