// bfloat16 and IEEE half precision as storage types: conversion only, no arithmetic.
#pragma once

#include <bit>
#include <cstdint>

namespace lq {

// f32 with the low 16 mantissa bits cut. Conversion rounds to nearest even; NaN stays NaN.
struct bf16 {
  std::uint16_t bits = 0;
};

// IEEE 754 binary16.
struct f16 {
  std::uint16_t bits = 0;
};

inline float to_float(bf16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

inline bf16 to_bf16(float x) {
  const auto u = std::bit_cast<std::uint32_t>(x);
  if ((u & 0x7fffffffU) > 0x7f800000U) return {static_cast<std::uint16_t>((u >> 16) | 0x40U)};
  return {static_cast<std::uint16_t>((u + 0x7fffU + ((u >> 16) & 1U)) >> 16)};
}

// Rounds to nearest even; overflow becomes infinity, NaN stays NaN.
f16 to_f16(float x);
float to_float(f16 x);

}  // namespace lq
