#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "quant/ggml/block_decoders.h"

// Blocks made by hand; dequantize_test.cc has the goldens of every type.
namespace lq::ggml {
namespace {

constexpr std::uint8_t kOneHigh = 0x3c;   // f16 1.0 is 0x3c00
constexpr std::uint8_t kHalfHigh = 0x38;  // and 0.5 is 0x3800

TEST(GgmlBlocksOf32, LowHalvesOfTheBytesComeFirst) {
  std::array<std::uint8_t, 18> x = {0, kHalfHigh};
  std::fill(x.begin() + 2, x.end(), 0x88);  // all zero
  x[2] = 0x0f;                              // weight 0: 15 - 8, weight 16: 0 - 8
  std::array<float, 32> y{};
  decode_q4_0(x.data(), y.data());
  EXPECT_EQ(y[0], 3.5F);
  EXPECT_EQ(y[16], -4.0F);
  EXPECT_EQ(std::count(y.begin(), y.end(), 0.0F), 30);
  decode_iq4_nl(x.data(), y.data());
  EXPECT_EQ(y[0], 56.5F);
  EXPECT_EQ(y[16], -63.5F);
  EXPECT_EQ(y[1], 0.5F);
}

TEST(GgmlBlocksOf32, TheFifthBitsAreInOrder) {
  std::array<std::uint8_t, 24> x = {0, kOneHigh, 0, kHalfHigh, 0x01, 0x00, 0x00, 0x80};  // weights 0 and 31
  std::array<float, 32> y{};
  decode_q5_1(x.data(), y.data());
  EXPECT_EQ(y[0], 16.5F);
  EXPECT_EQ(y[31], 16.5F);
  EXPECT_EQ(std::count(y.begin(), y.end(), 0.5F), 30);
  std::array<std::uint8_t, 22> z = {0, kOneHigh, 0x02};
  decode_q5_0(z.data(), y.data());
  EXPECT_EQ(y[1], 0.0F);
  EXPECT_EQ(y[0], -16.0F);
}

TEST(GgmlBlocksOf32, LeastValuesAndSignedBytes) {
  std::array<std::uint8_t, 20> x = {0, kOneHigh, 0, 0xb8};  // least value -0.5
  x[4 + 15] = 0x30;
  std::array<float, 32> y{};
  decode_q4_1(x.data(), y.data());
  EXPECT_EQ(y[31], 2.5F);
  EXPECT_EQ(y[0], -0.5F);
  std::array<std::uint8_t, 34> z = {0, kHalfHigh, 0xff, 0x80};
  decode_q8_0(z.data(), y.data());
  EXPECT_EQ(y[0], -0.5F);
  EXPECT_EQ(y[1], -64.0F);
}

TEST(GgmlBlocksOf32, PowersOfTwoAndSmallFloatsAreScales) {
  std::array<std::uint8_t, 17> x = {127, 0x72};  // 2^0: codes 2 and 7 of E2M1 are 1 and 6
  std::array<float, 32> y{};
  decode_mxfp4(x.data(), y.data());
  EXPECT_EQ(y[0], 1.0F);
  EXPECT_EQ(y[16], 6.0F);
  x[0] = 0;
  decode_mxfp4(x.data(), y.data());
  EXPECT_EQ(y[0], 0x1p-127F);
  std::array<std::uint8_t, 36> z = {0x38, 0x01, 0x7f, 0x40};  // 1, 2^-9, not a number, 2
  for (const int sub : {0, 1, 2, 3}) z[static_cast<std::size_t>(4 + 8 * sub)] = 0xa2;
  std::array<float, 64> w{};
  decode_nvfp4(z.data(), w.data());
  EXPECT_EQ(w[0], 1.0F);
  EXPECT_EQ(w[8], -1.0F);
  EXPECT_EQ(w[16], 0x1p-9F);
  EXPECT_EQ(w[32], 0.0F);
  EXPECT_EQ(w[48 + 8], -2.0F);
}

}  // namespace
}  // namespace lq::ggml
