#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "quant/ggml/block_decoders.h"

// Blocks made by hand, one field at a time; dequantize_test.cc has the goldens of every type.
namespace lq::ggml {
namespace {

constexpr std::uint8_t kOneInF16 = 0x3c;

// Indices of the weights that are `value`.
std::vector<int> places(const std::array<float, 256>& y, float value) {
  std::vector<int> at;
  for (int i = 0; i < 256; ++i) {
    if (y[static_cast<std::size_t>(i)] == value) at.push_back(i);
  }
  return at;
}

TEST(GgmlSuperBlocks, ScalesOfSixBitsLieInThreeParts) {
  // Q4_K: scale of sub-block 5 is 0b110010: low bits in byte 9 of the 12, high ones in the top of byte 1.
  std::array<std::uint8_t, 144> x = {0, kOneInF16, 0, kOneInF16};
  x[4 + 1] = 0xc0;
  x[4 + 9] = 0x02;
  x[4 + 4] = 7;           // least value of sub-block 0
  x[16 + 64 + 3] = 0x10;  // bytes 64..95 are weights 128..191; the high half is sub-block 5
  std::array<float, 256> y{};
  decode_q4_k(x.data(), y.data());
  EXPECT_EQ(places(y, 50.0F), std::vector<int>({163}));
  EXPECT_EQ(places(y, -7.0F).size(), 32U);
  EXPECT_EQ(y[31], -7.0F);

  std::array<std::uint8_t, 176> z = {0, kOneInF16, 0, kOneInF16};
  z[4 + 1] = 1;      // scale of sub-block 1
  z[16 + 5] = 0x02;  // fifth bit of weight 5 of sub-block 1
  decode_q5_k(z.data(), y.data());
  EXPECT_EQ(places(y, 16.0F), std::vector<int>({37}));
}

TEST(GgmlSuperBlocks, CodesOfTwoBitsLieFourToAByteAcrossFourSubBlocks) {
  std::array<std::uint8_t, 84> x{};
  x[81] = kOneInF16;
  std::fill(x.begin(), x.begin() + 16, std::uint8_t{1});  // scales 1, least values 0
  x[16 + 33] = 0xc0;                                      // second half, top bits
  std::array<float, 256> y{};
  decode_q2_k(x.data(), y.data());
  EXPECT_EQ(places(y, 3.0F), std::vector<int>({128 + 96 + 1}));

  std::array<std::uint8_t, 66> t{};
  t[65] = kOneInF16;
  t[0] = 0x08;  // second pair: 2
  decode_tq2_0(t.data(), y.data());
  EXPECT_EQ(places(y, 1.0F), std::vector<int>({32}));
  EXPECT_EQ(places(y, -1.0F).size(), 255U);
}

TEST(GgmlSuperBlocks, AThirdBitThatIsClearTakesFourOff) {
  std::array<std::uint8_t, 110> x{};
  x[109] = kOneInF16;
  std::fill(x.begin() + 104, x.begin() + 108, std::uint8_t{0xaa});  // high bits 2: all scales 0
  x[104 + 1] = 0xa9;                                                // of sub-block 1: 1, so -16
  x[4] = 0x01;                                                      // third bit of weight 4
  x[96 + 1] = 0x01;                                                 // low bits of sub-block 1: -15
  std::array<float, 256> y{};
  decode_q3_k(x.data(), y.data());
  EXPECT_EQ(places(y, 60.0F).size(), 16U);
  EXPECT_EQ(places(y, 60.0F).front(), 16);
}

TEST(GgmlSuperBlocks, SixBitsAreFourAndTwo) {
  std::array<std::uint8_t, 210> x{};
  x[209] = kOneInF16;
  x[192 + 13] = 0xff;  // scale -1 of weights 208..223
  x[64 + 16] = 0x50;   // low bits of weight 128 + 64 + 16
  x[128 + 32 + 16] = 0x30;
  std::array<float, 256> y{};
  decode_q6_k(x.data(), y.data());
  EXPECT_EQ(y[208], -21.0F);
  EXPECT_EQ(y[209], 32.0F);
  EXPECT_EQ(places(y, 32.0F).size(), 15U);
}

TEST(GgmlSuperBlocks, TernaryDigitsComeFromTheTopOfAProduct) {
  std::array<std::uint8_t, 54> x{};
  x[53] = kOneInF16;
  // Digits 2, 0, 1, 2, 1, the highest first: 2*81 + 0*27 + 1*9 + 2*3 + 1 = 178, and ceil(178 * 256 / 243).
  x[0] = 188;
  std::array<float, 256> y{};
  decode_tq1_0(x.data(), y.data());
  EXPECT_EQ(y[0], 1.0F);
  EXPECT_EQ(y[32], -1.0F);
  EXPECT_EQ(y[64], 0.0F);
  EXPECT_EQ(y[96], 1.0F);
  EXPECT_EQ(y[128], 0.0F);
}

TEST(GgmlSuperBlocks, Iq4XsHasScalesOfFourAndTwoBits) {
  std::array<std::uint8_t, 136> x = {0, kOneInF16, 0x00, 0x80};  // high bits of sub-block 7: 2
  x[4 + 3] = 0x10;                                               // low bits of sub-block 7: 1, so 33 - 32
  x[8 + 16 * 7 + 2] = 0x88;
  std::array<float, 256> y{};
  decode_iq4_xs(x.data(), y.data());
  EXPECT_EQ(places(y, 1.0F), std::vector<int>({7 * 32 + 2, 7 * 32 + 18}));
  EXPECT_EQ(y[0], 32.0F * 127.0F);
}

}  // namespace
}  // namespace lq::ggml
