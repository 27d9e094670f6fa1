// Types with a scale for every 32 weights. Codes of 4 bits lie as two halves: the low bits of byte i are
// weight i, its high bits weight i + 16.
#include <bit>

#include "quant/ggml/block_decoders.h"
#include "quant/ggml/block_fields.h"

namespace lq::ggml {
namespace {

constexpr int kHalf = 16;

// The fifth bit of weight i, in its place.
int fifth_bit(std::uint32_t bits, int i) { return static_cast<int>(((bits >> i) & 1U) << 4); }

// 2^(e - 128): a power of two with an exponent of 8 bits (E8M0), halved because the values are doubled.
float half_power(std::uint8_t e) {
  const std::uint32_t bits = e < 2 ? 0x00200000U << e : static_cast<std::uint32_t>(e - 1) << 23;
  return std::bit_cast<float>(bits);
}

// Half of an unsigned number with 4 bits of exponent, bias 7, and 3 of mantissa; 0x7f, not a number, is 0.
float half_e4m3(std::uint8_t x) {
  const int exponent = (x >> 3) & 15;
  const auto mantissa = static_cast<float>(x & 7);
  if (x == 0 || x == 0x7f) return 0.0F;
  if (exponent == 0) return mantissa * 0x1p-9F * 0.5F;
  const float power = std::bit_cast<float>(static_cast<std::uint32_t>(exponent - 7 + 127) << 23);
  return (1.0F + mantissa / 8.0F) * power * 0.5F;
}

}  // namespace

void decode_q4_0(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = static_cast<float>((x[2 + i] & 15) - 8) * d;
    y[i + kHalf] = static_cast<float>((x[2 + i] >> 4) - 8) * d;
  }
}

void decode_q4_1(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const float least = field_f16(x + 2);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = static_cast<float>(x[4 + i] & 15) * d + least;
    y[i + kHalf] = static_cast<float>(x[4 + i] >> 4) * d + least;
  }
}

void decode_q5_0(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const std::uint32_t fifth = field32(x + 2);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = static_cast<float>(((x[6 + i] & 15) | fifth_bit(fifth, i)) - 16) * d;
    y[i + kHalf] = static_cast<float>(((x[6 + i] >> 4) | fifth_bit(fifth, i + kHalf)) - 16) * d;
  }
}

void decode_q5_1(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const float least = field_f16(x + 2);
  const std::uint32_t fifth = field32(x + 4);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = static_cast<float>((x[8 + i] & 15) | fifth_bit(fifth, i)) * d + least;
    y[i + kHalf] = static_cast<float>((x[8 + i] >> 4) | fifth_bit(fifth, i + kHalf)) * d + least;
  }
}

void decode_q8_0(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int i = 0; i < 2 * kHalf; ++i) y[i] = static_cast<float>(static_cast<std::int8_t>(x[2 + i])) * d;
}

void decode_iq4_nl(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = d * static_cast<float>(kIq4Values[x[2 + i] & 15]);
    y[i + kHalf] = d * static_cast<float>(kIq4Values[x[2 + i] >> 4]);
  }
}

void decode_mxfp4(const std::uint8_t* x, float* y) {
  const float d = half_power(x[0]);
  for (int i = 0; i < kHalf; ++i) {
    y[i] = static_cast<float>(kE2m1Doubled[x[1 + i] & 15]) * d;
    y[i + kHalf] = static_cast<float>(kE2m1Doubled[x[1 + i] >> 4]) * d;
  }
}

// Four sub-blocks of 16, each with its scale and, in itself, two halves.
void decode_nvfp4(const std::uint8_t* x, float* y) {
  for (int sub = 0; sub < 4; ++sub) {
    const float d = half_e4m3(x[sub]);
    const std::uint8_t* codes = x + 4 + 8 * sub;
    for (int i = 0; i < 8; ++i) {
      y[16 * sub + i] = static_cast<float>(kE2m1Doubled[codes[i] & 15]) * d;
      y[16 * sub + i + 8] = static_cast<float>(kE2m1Doubled[codes[i] >> 4]) * d;
    }
  }
}

}  // namespace lq::ggml
