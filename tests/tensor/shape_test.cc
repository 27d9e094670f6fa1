#include "tensor/shape.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(Shape, CountsAndRefusesTheAbsurd) {
  EXPECT_EQ(checked_numel({}, "x"), 1);
  EXPECT_EQ(checked_numel({3, 0, 5}, "x"), 0);
  EXPECT_EQ(checked_numel({4096, 11008}, "x"), 45088768);
  EXPECT_THROW(checked_numel({1000000000, 1000000000, 1000000000}, "x"), Error);
  EXPECT_THROW(checked_numel({2, -1}, "x"), Error);
  EXPECT_EQ(shape_text({4096, 11008}), "[4096, 11008]");
}

}  // namespace
}  // namespace lq
