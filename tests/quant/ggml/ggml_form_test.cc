#include "quant/ggml/ggml_form.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"

namespace lq::ggml {
namespace {

TEST(GgmlForm, DecodesAndIsNamedAsLlamaCppDoes) {
  EXPECT_EQ(stored_form(GgmlType::kQ4_K).name(), "Q4_K");
  EXPECT_EQ(&stored_form(GgmlType::kQ4_K), &stored_form(GgmlType::kQ4_K));
  std::array<std::byte, 34> block{};
  block[1] = std::byte{0x3c};  // a scale of 1
  block[2 + 5] = std::byte{0xfd};
  float value = 0.0F;
  stored_form(GgmlType::kQ8_0).to_f32(block.data(), 5, 1, &value);
  EXPECT_EQ(value, -3.0F);
  EXPECT_THROW(stored_form(GgmlType::kIq1S), Error);
}

}  // namespace
}  // namespace lq::ggml
