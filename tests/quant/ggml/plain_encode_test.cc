#include "quant/ggml/plain_encode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "quant/ggml/dequantize.h"
#include "reference/dense_matrix.h"

namespace lq::ggml {
namespace {

TEST(PlainEncode, ErrorsAreThoseOfWhatComesBack) {
  const std::vector<float> x = reference::normal_matrix(4, 32, 9);
  for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kBf16, GgmlType::kQ8_0}) {
    ASSERT_TRUE(is_plain(type));
    const GgmlTypeInfo& info = type_info(type);
    std::vector<std::byte> bytes(static_cast<std::size_t>(128 / info.weights * info.bytes));
    const double error = encode_plain(type, x.data(), 128, bytes.data());
    std::vector<float> back(128);
    dequantize(type, bytes.data(), 0, 128, back.data());
    double want = 0.0;
    for (std::size_t i = 0; i < 128; ++i) want += (double{x[i]} - back[i]) * (double{x[i]} - back[i]);
    EXPECT_NEAR(error, want, 1e-9 * (1.0 + want)) << info.name;
    EXPECT_LT(error, 5e-3) << info.name;
  }
  EXPECT_FALSE(is_plain(GgmlType::kQ4_0));
}

TEST(PlainEncode, Q8IsTheLargestMagnitudeOver127) {
  std::vector<float> x(32, 0.0F);
  x[0] = -12.7F;
  x[1] = 0.26F;
  x[2] = 6.36F;
  std::vector<std::byte> bytes(34);
  encode_plain(GgmlType::kQ8_0, x.data(), 32, bytes.data());
  std::uint16_t scale;
  std::memcpy(&scale, bytes.data(), 2);
  EXPECT_EQ(scale, to_f16(12.7F / 127.0F).bits);
  EXPECT_EQ(static_cast<std::int8_t>(bytes[2]), -127);
  EXPECT_EQ(static_cast<std::int8_t>(bytes[3]), 3);
  EXPECT_EQ(static_cast<std::int8_t>(bytes[4]), 64);
  EXPECT_EQ(static_cast<std::int8_t>(bytes[5]), 0);
}

TEST(PlainEncode, OverflowIsInfinite) {
  const std::vector<float> x(32, 1e9F);
  std::vector<std::byte> bytes(64);
  EXPECT_EQ(encode_plain(GgmlType::kF16, x.data(), 32, bytes.data()),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(encode_plain(GgmlType::kQ8_0, x.data(), 32, bytes.data()),
            std::numeric_limits<double>::infinity());
  const std::vector<float> zeros(32, 0.0F);
  EXPECT_EQ(encode_plain(GgmlType::kQ8_0, zeros.data(), 32, bytes.data()), 0.0);
}

}  // namespace
}  // namespace lq::ggml
