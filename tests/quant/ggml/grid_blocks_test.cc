#include <gtest/gtest.h>

#include <array>

#include "quant/ggml/block_decoders.h"
#include "quant/ggml/iq_grids.h"

// Blocks made by hand; dequantize_test.cc has the goldens of every type.
namespace lq::ggml {
namespace {

constexpr std::uint8_t kF16OneHigh = 0x3c;

TEST(GgmlGridBlocks, SevenSignsMakeTheEighth) {
  std::array<std::uint8_t, 66> x = {0, kF16OneHigh};
  x[2 + 4] = 0x01;  // signs of the first eight: one, so the last is negative too
  x[2 + 7] = 0x10;  // scale 1: (0.5 + 1) / 4
  std::array<float, 256> y{};
  decode_iq2_xxs(x.data(), y.data());
  ASSERT_EQ(kIq2XxsGrid[0], 0);
  EXPECT_EQ(y[0], -3.0F);  // 8 * 0.375
  EXPECT_EQ(y[1], 3.0F);
  EXPECT_EQ(y[7], -3.0F);
  EXPECT_EQ(y[8], 3.0F);
  EXPECT_EQ(y[32], 1.0F);  // scale 0: 8 / 8
}

TEST(GgmlGridBlocks, IndicesTakeTheirHighBitsFromBesideThem) {
  std::array<float, 256> y{};
  std::array<std::uint8_t, 82> s = {0, kF16OneHigh};
  s[2 + 5] = 0xff;
  s[66 + 1] = 0x0c;  // of the sixth point: 1023
  s[34 + 5] = 0x80;
  decode_iq2_s(s.data(), y.data());
  for (int j = 0; j < 8; ++j) {
    const int digit = (kIq2SGrid[1023] >> (2 * j)) & 3;
    const float value = digit == 0 ? 1.0F : digit == 1 ? 3.125F : 5.375F;
    EXPECT_EQ(y[static_cast<std::size_t>(40 + j)], j == 7 ? -value : value) << j;
  }
  std::array<std::uint8_t, 110> t = {0, kF16OneHigh};
  t[2 + 63] = 0x01;
  t[66 + 7] = 0x80;  // of the last point: 257
  t[106 + 3] = 0x20;
  decode_iq3_s(t.data(), y.data());
  for (int j = 0; j < 4; ++j) {
    const int digit = (kIq3SGrid[257] >> (4 * j)) & 7;
    EXPECT_EQ(y[static_cast<std::size_t>(252 + j)], static_cast<float>(5 * (2 * digit + 1))) << j;
  }
}

TEST(GgmlGridBlocks, OneBitTypesAreShifted) {
  std::array<std::uint8_t, 50> x = {0, kF16OneHigh};
  x[34 + 1] = 0x90;  // sub-block 0: down, scale 2 * 1 + 1
  std::array<float, 256> y{};
  decode_iq1_s(x.data(), y.data());
  ASSERT_EQ(kIq1Grid[0], 0);  // all -1
  EXPECT_EQ(y[0], -3.375F);
  EXPECT_EQ(y[32], -0.875F);

  std::array<std::uint8_t, 56> m{};
  m[48 + 7] = 0x30;  // f16 0x3c00 in the top of the words: 0, 0, c, 3
  m[48 + 5] = 0xc0;
  m[32] = 0x80;  // the second eight: down
  m[48] = 0x08;  // the second sixteen: scale 3
  decode_iq1_m(m.data(), y.data());
  EXPECT_EQ(y[0], -0.875F);
  EXPECT_EQ(y[8], -1.125F);
  EXPECT_EQ(y[16], -2.625F);
}

TEST(GgmlGridBlocks, IndicesOfNineBitsAndScalesOfSixteen) {
  std::array<std::uint8_t, 74> x = {0, kF16OneHigh};
  x[2 + 2 * 2 + 1] = 0x03;  // third point: 256, sign 1
  x[66] = 0x20;             // its sixteen: (0.5 + 2) / 4
  std::array<float, 256> y{};
  decode_iq2_xs(x.data(), y.data());
  const int digit = kIq2XsGrid[256] & 3;
  const float value = digit == 0 ? 8.0F : digit == 1 ? 25.0F : 43.0F;
  EXPECT_EQ(y[16], -0.625F * value);
  EXPECT_EQ(y[0], 1.0F);

  std::array<std::uint8_t, 98> t = {0, kF16OneHigh};
  t[2 + 9] = 255;  // point 255 of the second sub-block
  t[66 + 4 + 3] = 0x10;
  decode_iq3_xxs(t.data(), y.data());
  constexpr float kValues[8] = {4, 12, 20, 28, 36, 44, 52, 62};
  for (int j = 0; j < 4; ++j) {
    EXPECT_EQ(y[static_cast<std::size_t>(36 + j)], 0.75F * kValues[(kIq3XxsGrid[255] >> (4 * j)) & 7]) << j;
  }
}

}  // namespace
}  // namespace lq::ggml
