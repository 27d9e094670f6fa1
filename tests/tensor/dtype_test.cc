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

}  // namespace
}  // namespace lq
