// Blocks whose weights are known; tests/quant/ggml compares every type and SIMD target with its definition.
#include "backends/cpu/ggml_blocks.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace lq::backends {
namespace {

TEST(GgmlBlocks, BytesUnderAScale) {
  std::vector<std::uint8_t> x(2 * 34);
  x[1] = 0x38;       // 0.5 in half precision
  x[34 + 1] = 0xc0;  // -2
  for (int i = 0; i < 32; ++i) {
    x[2 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i - 16);
    x[36 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(3 * i);
  }
  std::array<float, 65> y{};
  y.back() = 7.0F;
  decode_ggml_blocks(GgmlBlocks::kQ8_0, x.data(), 2, y.data());
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(y[static_cast<std::size_t>(i)], 0.5F * static_cast<float>(i - 16));
    EXPECT_EQ(y[32 + static_cast<std::size_t>(i)], -2.0F * static_cast<float>(3 * i));
  }
  EXPECT_EQ(y.back(), 7.0F);
}

TEST(GgmlBlocks, ASubBlockHasItsScaleAndItsLeastValue) {
  std::array<std::uint8_t, 144> x{};
  x[1] = 0x3c;        // all scales times 1
  x[3] = 0x40;        // all least values times 2
  x[4 + 3] = 5;       // scale of sub-block 3
  x[4 + 7] = 6;       // its least value
  x[16 + 32] = 0x90;  // code of its first weight
  std::array<float, 256> y{};
  decode_ggml_blocks(GgmlBlocks::kQ4_K, x.data(), 1, y.data());
  for (int i = 0; i < 256; ++i) {
    const float want = i == 96 ? 5.0F * 9.0F - 12.0F : i / 32 == 3 ? -12.0F : 0.0F;
    EXPECT_EQ(y[static_cast<std::size_t>(i)], want) << i;
  }
}

TEST(GgmlBlocks, NoBlocks) {
  float y = 3.0F;
  decode_ggml_blocks(GgmlBlocks::kQ6_K, nullptr, 0, &y);
  EXPECT_EQ(y, 3.0F);
}

}  // namespace
}  // namespace lq::backends
