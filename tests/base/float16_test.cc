#include "base/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lq {
namespace {

TEST(Float16, EveryHalfRoundTrips) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const f16 h{static_cast<std::uint16_t>(bits)};
    const float x = to_float(h);
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(to_float(to_f16(x))));
    } else {
      EXPECT_EQ(to_f16(x).bits, bits);
    }
  }
}

TEST(Float16, HalvesRoundToNearestEven) {
  // Between every pair of neighbours the midpoint goes to the even one, and just beside it to the nearer one.
  for (std::uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = to_float(f16{static_cast<std::uint16_t>(bits)});
    const float high = to_float(f16{static_cast<std::uint16_t>(bits + 1)});
    const float mid = low + (high - low) / 2;
    EXPECT_EQ(to_f16(mid).bits, bits + (bits & 1U)) << bits;
    EXPECT_EQ(to_f16(std::nextafter(mid, 0.0F)).bits, bits);
    EXPECT_EQ(to_f16(-std::nextafter(mid, high)).bits, (bits + 1) | 0x8000U);
  }
  EXPECT_EQ(to_f16(65519.0F).bits, 0x7bff);
  EXPECT_EQ(to_f16(65520.0F).bits, 0x7c00);
}

TEST(Float16, EveryBf16RoundTrips) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = to_float(bf16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(to_float(to_bf16(x))));
    } else {
      EXPECT_EQ(to_bf16(x).bits, bits);
    }
  }
}

TEST(Float16, Bf16RoundsToNearestEven) {
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f808000U)).bits, 0x3f80);
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f818000U)).bits, 0x3f82);
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f808001U)).bits, 0x3f81);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

}  // namespace
}  // namespace lq
