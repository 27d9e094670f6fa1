#include "train/moments.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(DynamicTable, RisesFromEndToEndAndHoldsZeroAndOne) {
  for (const bool is_signed : {true, false}) {
    const MomentTable table = dynamic_table(is_signed);
    for (int i = 1; i < 256; ++i) {
      ASSERT_LT(table.values[i - 1], table.values[i]);
    }
    EXPECT_EQ(table.values[255], 1.0F);
    EXPECT_EQ(table.values[is_signed ? 127 : 0], 0.0F);
    EXPECT_EQ(code_of_zero(table), is_signed ? 127 : 0);
    for (int i = 0; i < 255; ++i) {
      ASSERT_LT(table.values[i], table.middles[i]);
      ASSERT_GT(table.values[i + 1], table.middles[i]);
    }
  }
  // bitsandbytes.functional.create_dynamic_map(signed=True)[0], [128], [254]; (signed=False)[1], [254].
  const MomentTable s = dynamic_table(true);
  EXPECT_FLOAT_EQ(s.values[0], -0.99296875F);
  EXPECT_FLOAT_EQ(s.values[128], 5.5e-7F);
  EXPECT_FLOAT_EQ(s.values[254], 0.99296875F);
  const MomentTable u = dynamic_table(false);
  EXPECT_FLOAT_EQ(u.values[1], 3.25e-7F);
  EXPECT_FLOAT_EQ(u.values[254], 0.996484375F);
}

}  // namespace
}  // namespace lq
