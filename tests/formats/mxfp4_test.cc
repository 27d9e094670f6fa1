// Whole models in MXFP4 stand against transformers' decoding in tests/models/golden_test.cc.
#include "formats/mxfp4.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lq {
namespace {

TEST(Mxfp4, EveryCodeAndEveryScale) {
  // One block: the codes 0 to 15, twice, the lower half of a byte first.
  std::vector<std::byte> codes;
  for (int i = 0; i < 16; ++i)
    codes.push_back(static_cast<std::byte>((2 * i % 16) | ((2 * i + 1) % 16) << 4));
  const float want[] = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
  for (int power = 0; power < 255; ++power) {
    const auto scale = static_cast<std::byte>(power);
    const Mxfp4Form form(kMxfp4Block, 1, &scale);
    std::vector<float> out(32);
    form.to_f32(codes.data(), 0, 32, out.data());
    for (std::size_t i = 0; i < 32; ++i) {
      EXPECT_EQ(out[i], std::ldexp(want[i % 16], power - 127)) << i << " 2^" << power - 127;
      EXPECT_EQ(std::signbit(out[i]), i % 16 >= 8) << i;
      // Each number is one of BF16, its dtype.
      std::byte bf16[2];
      float back = 0.0F;
      convert_from_f32(DType::kBf16, &out[i], 1, bf16);
      convert_to_f32(DType::kBf16, bf16, 0, 1, &back);
      EXPECT_EQ(back, out[i]);
    }
  }
  const auto none = static_cast<std::byte>(255);
  float first = 0.0F;
  Mxfp4Form(kMxfp4Block, 1, &none).to_f32(codes.data(), 1, 1, &first);
  EXPECT_TRUE(std::isnan(first));
}

// Any run of a matrix of every other row is the run of the whole.
TEST(Mxfp4, RunsBeginAnywhere) {
  constexpr std::int64_t kRows = 5, kCols = 96, kBlocks = kCols / kMxfp4Block;
  std::vector<std::byte> codes(2 * kRows * kCols / 2), scales(2 * kRows * kBlocks);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::byte>(37 * i + 11);
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<std::byte>(120 + i % 9);
  const Mxfp4Form plain(kCols, 1, scales.data());
  const Mxfp4Form odd(kCols, 2, scales.data() + kBlocks);
  std::vector<float> all(2 * kRows * kCols), whole(kRows * kCols);
  plain.to_f32(codes.data(), 0, 2 * kRows * kCols, all.data());
  odd.to_f32(codes.data() + kCols / 2, 0, kRows * kCols, whole.data());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i], all[(2 * (i / kCols) + 1) * kCols + i % kCols]) << i;
  }
  for (const std::int64_t begin : {0, 1, 31, 32, 95, 97, 200}) {
    std::vector<float> part(150);
    odd.to_f32(codes.data() + kCols / 2, begin, 150, part.data());
    EXPECT_EQ(part, std::vector<float>(whole.begin() + begin, whole.begin() + begin + 150)) << begin;
  }
}

}  // namespace
}  // namespace lq
