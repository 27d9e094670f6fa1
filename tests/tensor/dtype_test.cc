#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(DType, NamesRoundTripAndOthersAreRefusedByName) {
  for (const DType d : {DType::kF32, DType::kBf16, DType::kF16, DType::kU8, DType::kI64, DType::kBool}) {
    EXPECT_EQ(dtype_from_name(dtype_name(d), "t"), d);
  }
  try {
    dtype_from_name("F8_E4M3", "w.weight");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("F8_E4M3"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("w.weight"), std::string::npos);
  }
}

TEST(DType, WhatAWeightMayBe) {
  for (const DType d : {DType::kF32, DType::kBf16, DType::kF16}) {
    EXPECT_TRUE(is_weight_dtype(d) && is_stored_weight_dtype(d)) << dtype_name(d);
    EXPECT_EQ(weight_dtype(d), d);
  }
  EXPECT_FALSE(is_weight_dtype(DType::kF64));
  EXPECT_TRUE(is_stored_weight_dtype(DType::kF64));
  EXPECT_EQ(weight_dtype(DType::kF64), DType::kF32);
  EXPECT_FALSE(is_stored_weight_dtype(DType::kI64));
}

}  // namespace
}  // namespace lq
