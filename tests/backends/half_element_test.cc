// Rounding to 16 bits as CUDA threads do it, against base/float16.h.
#include "backends/cuda/half_element.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/float16.h"
#include "base/rng.h"

namespace lq::backends::cuda {
namespace {

// Floats of every exponent, and those around halves' ties.
std::vector<float> some_floats() {
  std::vector<float> all = {0.0F,     -0.0F,    1.0F,  65504.0F, 65519.0F,
                            65520.0F, 65536.0F, 1e38F, INFINITY, -INFINITY};
  const Rng rng(3);
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent) {
    for (std::uint64_t i = 0; i < 64; ++i) {
      const auto bits = static_cast<std::uint32_t>(rng.below(exponent * 64 + i, std::uint64_t{1} << 23));
      for (const std::uint32_t mantissa : {bits, bits & 0x7fe000U, (bits & 0x7fe000U) | 0x1000U,
                                           (bits & 0x7fe000U) | 0x1001U, (bits & 0x7f0000U) | 0x8000U}) {
        all.push_back(std::bit_cast<float>(exponent << 23 | mantissa));
        all.push_back(std::bit_cast<float>(0x80000000U | exponent << 23 | mantissa));
      }
    }
  }
  return all;
}

TEST(HalfElement, RoundsAsTheProcessorDoes) {
  for (const float x : some_floats()) {
    ASSERT_EQ(half_of_float(x), to_f16(x).bits) << x;
    ASSERT_EQ(bf16_of_float(x), to_bf16(x).bits) << x;
    ASSERT_EQ(bits_of_float(float_of_bf16(to_bf16(x).bits)), bits_of_float(to_float(to_bf16(x))));
  }
  EXPECT_TRUE(std::isnan(float_of_half(half_of_float(std::nanf("")))));
  EXPECT_TRUE(std::isnan(float_of_bf16(bf16_of_float(std::nanf("")))));
}

}  // namespace
}  // namespace lq::backends::cuda
