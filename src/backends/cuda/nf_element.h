// One element of a packed matrix, as every CUDA thread computes it: quant/codebook/codebook_reference.h's
// arithmetic in the same order, one IEEE rounding per operation. Plain inline functions, so that a CPU test
// holds them against the reference bit for bit. Compile without fused multiply-add.
#pragma once

#include <cstdint>
#include <cstring>

#include "backends/cuda/host_device.h"
#include "backends/nf_view.h"

namespace lq::backends::cuda {

LQ_HOST_DEVICE inline float float_of_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// Little-endian words of 4 bytes of memory that is aligned for them.
LQ_HOST_DEVICE inline std::uint32_t load_word(const std::uint8_t* at) {
#ifdef __CUDA_ARCH__
  return __ldg(reinterpret_cast<const unsigned int*>(at));
#else
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
#endif
}

// Code `index` of groups of 64 codes of `bits` bits (docs/formats/packed.md).
LQ_HOST_DEVICE inline unsigned unpack_code(const std::uint8_t* packed, std::int64_t index, int bits) {
  const std::uint8_t* group = packed + index / kNfGroup * 8 * bits;
  const int j = static_cast<int>(index % kNfGroup);
  if (bits == 8) return group[j];
  if (bits >= 4) {
    unsigned code = group[j % 32] >> (j / 32 * 4) & 15U;
    if (bits == 5) code |= (group[32 + j / 8] >> (j % 8) & 1U) << 4;
    if (bits == 6) code |= (group[32 + j % 16] >> (j / 16 * 2) & 3U) << 4;
    return code;
  }
  unsigned code = group[j % 16] >> (j / 16 * 2) & 3U;
  if (bits == 3) code |= (group[16 + j / 8] >> (j % 8) & 1U) << 2;
  return code;
}

// The f32 of IEEE half bits; exact.
LQ_HOST_DEVICE inline float float_of_half(std::uint32_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 31U;
  const std::uint32_t mantissa = half & 1023U;
  if (exponent == 31U) return float_of_bits(sign | 0x7f800000U | mantissa << 13);
  if (exponent != 0U) return float_of_bits(sign | (exponent + 112U) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;  // zero or subnormal: exact in f32
  return sign != 0U ? -magnitude : magnitude;
}

// Second-level scale `index`: little-endian bytes of any alignment.
LQ_HOST_DEVICE inline float load_scale2(const void* scales2, std::int64_t index, ScaleDType dtype) {
  const auto* bytes = static_cast<const std::uint8_t*>(scales2);
  if (dtype == ScaleDType::kFp32) {
    const std::uint8_t* b = bytes + 4 * index;
    return float_of_bits(b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 |
                         std::uint32_t{b[3]} << 24);
  }
  const std::uint8_t* b = bytes + 2 * index;
  const std::uint32_t half = b[0] | std::uint32_t{b[1]} << 8;
  return dtype == ScaleDType::kBf16 ? float_of_bits(half << 16) : float_of_half(half);
}

// The first-level scale of this code as it comes back.
LQ_HOST_DEVICE inline float scale_from_code(unsigned code, float scale2, float offset, int scale_bits) {
  const float step = scale2 / static_cast<float>((1 << scale_bits) - 1);
  const float product = static_cast<float>(code) * step;
  const float sum = offset + product;
  constexpr float kMax = 3.402823466e+38F;
  return kMax < sum ? kMax : sum;
}
// That of a block.
LQ_HOST_DEVICE inline float restore_scale(const NfView& v, std::int64_t block) {
  const float scale2 = load_scale2(v.scales2, block / v.format.block2, v.format.scale2);
  return scale_from_code(unpack_code(v.scales, block, v.format.scale_bits), scale2, v.offset,
                         v.format.scale_bits);
}

// out[i] = element begin + i for i < count. values: the codebook, wherever the caller keeps it. REQUIRES: the
// run lies in the matrix.
LQ_HOST_DEVICE inline void decode_nf_run(const NfView& v, const float* values, std::int64_t begin, int count,
                                         float* out) {
  std::int64_t block = -1;
  float scale = 0.0F;
  for (int i = 0; i < count; ++i) {
    const std::int64_t at = begin + i;
    if (at / v.format.block != block) {
      block = at / v.format.block;
      scale = restore_scale(v, block);
    }
    out[i] = values[unpack_code(v.codes, at, v.format.bits)] * scale;
  }
}

}  // namespace lq::backends::cuda
