// Rounding to 16-bit floats as CUDA threads do it, and half precision's arithmetic. A CPU test holds it
// against base/float16.h bit for bit.
#pragma once

#include <cstdint>
#include <cstring>

#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"

namespace lq::backends::cuda {

LQ_HOST_DEVICE inline std::uint32_t bits_of_float(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// To nearest even; NaN stays NaN.
LQ_HOST_DEVICE inline std::uint16_t bf16_of_float(float x) {
  const std::uint32_t u = bits_of_float(x);
  if ((u & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>(u >> 16 | 0x40U);
  return static_cast<std::uint16_t>((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
}
LQ_HOST_DEVICE inline float float_of_bf16(std::uint32_t bits) { return float_of_bits(bits << 16); }

// To nearest even; overflow becomes infinity, NaN stays NaN.
LQ_HOST_DEVICE inline std::uint16_t half_of_float(float x) {
  const std::uint32_t u = bits_of_float(x);
  const std::uint32_t sign = u >> 16 & 0x8000U;
  const std::uint32_t magnitude = u & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // 65536 and above
  if (magnitude < 0x38800000U) {
    // Below 2^-14: a whole number of 2^-24. Adding 0.5 makes the float's own rounding do it.
    const std::uint32_t rounded = bits_of_float(float_of_bits(magnitude) + 0.5F) - bits_of_float(0.5F);
    return static_cast<std::uint16_t>(sign | rounded);
  }
  const std::uint32_t rebased = magnitude - 0x38000000U;  // the exponent's bias: 127 to 15
  return static_cast<std::uint16_t>(sign | ((rebased + 0xfffU + (rebased >> 13 & 1U)) >> 13));
}

// Two halves in one word, the first in its low half.
LQ_HOST_DEVICE inline std::uint32_t pair_of_halves(std::uint32_t first, std::uint32_t second) {
  return first | second << 16;
}

}  // namespace lq::backends::cuda
