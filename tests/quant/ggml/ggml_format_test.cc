#include "quant/ggml/ggml_format.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/ggml/ggml_quantizer.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(GgmlFormat, Parameters) {
  const GgmlFormat format;
  EXPECT_EQ(format.parse(" q4_k ", "x"), "q4_k");
  EXPECT_EQ(format.uniform(3), "q3_k");
  EXPECT_EQ(parse_choice("ggml,iq4_nl", "x").name(), "ggml iq4_nl");
  EXPECT_DOUBLE_EQ(format.bits_per_weight("q6_k"), 6.5625);
  EXPECT_NE(
      message_of([&] { format.parse("q9", "--config"); }).find("--config: \"q9\" is no type of format ggml"),
      std::string::npos);
  EXPECT_THROW(format.uniform(7), Error);
}

TEST(GgmlFormat, TheTypeFollowsTheRows) {
  const GgmlFormat format;
  EXPECT_EQ(ggml_type_of("q4_k", 8, 512), ggml::GgmlType::kQ4_K);
  EXPECT_EQ(ggml_type_of("q4_k", 8, 96), ggml::GgmlType::kQ5_0);
  EXPECT_EQ(format.parts("q4_k", 8, 96, "x")[0].shape, (Shape{8, 66}));
  EXPECT_DOUBLE_EQ(stored_bits_per_weight({"ggml", "q2_k"}, 8, 96), 4.5);
  EXPECT_NE(message_of([&] { format.parts("q4_k", 8, 40, "w"); }).find("w: rows of 40 weights"),
            std::string::npos);
}

TEST(GgmlFormat, BytesAreChecked) {
  const GgmlFormat format;
  std::vector<std::uint8_t> bytes(2 * 34, 0);
  const std::vector<std::span<const std::uint8_t>> parts = {bytes};
  EXPECT_EQ(format.open("q8_0", 2, 32, parts, "w", {}).rows(), 2);
  bytes[35] = 0x7c;  // the second block's scale is infinite
  bytes[40] = 1;
  EXPECT_NE(message_of([&] { format.open("q8_0", 2, 32, parts, "w", {}); }).find("block 1 holds a number"),
            std::string::npos);
  const std::vector<std::span<const std::uint8_t>> cut = {std::span(bytes).first(60)};
  EXPECT_NE(message_of([&] { format.open("q8_0", 2, 32, cut, "w", {}); }).find("60 bytes of blocks"),
            std::string::npos);
}

}  // namespace
}  // namespace lq
