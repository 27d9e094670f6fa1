// Fields of a block: little-endian numbers wherever they lie.
#pragma once

#include <array>
#include <cstdint>

#include "base/float16.h"

namespace lq::ggml {

inline std::uint16_t field16(const std::uint8_t* x) { return static_cast<std::uint16_t>(x[0] | (x[1] << 8)); }

inline std::uint32_t field32(const std::uint8_t* x) {
  return field16(x) | (static_cast<std::uint32_t>(field16(x + 2)) << 16);
}

inline float field_f16(const std::uint8_t* x) { return to_float(f16{field16(x)}); }

// What IQ4_NL's and IQ4_XS's codes stand for, times a scale.
inline constexpr std::array<std::int8_t, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                           1,    13,   25,  38,  53,  69,  89,  113};

// Twice the sixteen numbers of E2M1 (a sign, two bits of exponent, one of mantissa).
inline constexpr std::array<std::int8_t, 16> kE2m1Doubled = {0, 1,  2,  3,  4,  6,  8,  12,
                                                             0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace lq::ggml
