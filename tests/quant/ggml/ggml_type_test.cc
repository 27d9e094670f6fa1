#include "quant/ggml/ggml_type.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lq::ggml {
namespace {

TEST(GgmlType, TheTableHoldsEveryNumberOnceWithItsSizes) {
  std::set<std::string> names;
  for (std::uint32_t number = 0; number < 64; ++number) {
    const GgmlTypeInfo* info = find_type(number);
    if (info == nullptr) continue;
    EXPECT_EQ(static_cast<std::uint32_t>(info->type), number);
    EXPECT_EQ(&type_info(info->type), info);
    EXPECT_TRUE(names.emplace(info->name).second) << info->name;
    EXPECT_EQ(type_text(number), info->name);
    if (info->as) {
      EXPECT_EQ(info->weights, 1) << info->name;
      EXPECT_EQ(static_cast<std::size_t>(info->bytes), dtype_size(*info->as)) << info->name;
    }
  }
  EXPECT_EQ(names.size(), 31U);
}

TEST(GgmlType, BitsPerWeightAreThoseThatLlamaCppPrints) {
  EXPECT_EQ(type_info(GgmlType::kQ4_0).bits_per_weight(), 4.5);
  EXPECT_EQ(type_info(GgmlType::kQ4_K).bits_per_weight(), 4.5);
  EXPECT_EQ(type_info(GgmlType::kQ6_K).bits_per_weight(), 6.5625);
  EXPECT_EQ(type_info(GgmlType::kIq2Xxs).bits_per_weight(), 2.0625);
  EXPECT_EQ(type_info(GgmlType::kIq3S).bits_per_weight(), 3.4375);
  EXPECT_EQ(type_info(GgmlType::kIq1M).bits_per_weight(), 1.75);
  EXPECT_EQ(type_info(GgmlType::kTq1_0).bits_per_weight(), 1.6875);
  EXPECT_EQ(type_info(GgmlType::kMxfp4).bits_per_weight(), 4.25);
}

TEST(GgmlType, WhatIsNotReadHasAName) {
  for (const std::uint32_t number : {4U, 9U, 15U, 32U, 41U, 1000U, 0xffffffffU}) {
    EXPECT_EQ(find_type(number), nullptr) << number;
  }
  EXPECT_EQ(type_text(32), "Q4_0_4_8, which ggml dropped");
  EXPECT_EQ(type_text(15), "Q8_K, which is for products and not for files");
  EXPECT_EQ(type_text(1000), "not one that ggml has");
}

}  // namespace
}  // namespace lq::ggml
