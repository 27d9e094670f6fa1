// Types of 256 weights with a small scale for each sub-block and one of all: the K types, IQ4_XS and the
// ternary ones. Codes of 2 bits lie in groups of 32 bytes, which hold 128 weights: bits 2j of byte i are
// weight 32j + i of the group; codes of 4 bits in groups of 32 bytes for 64 weights likewise.
#include "quant/ggml/block_decoders.h"
#include "quant/ggml/block_fields.h"

namespace lq::ggml {
namespace {

// The scale and the least value of sub-block i of 8, 6 bits each, of 12 bytes: bytes 0 to 3 have scales 0 to
// 3 in their low 6 bits, bytes 4 to 7 the least values; bytes 8 to 11 have the low 4 bits of the other four
// scales and least values, whose 2 high bits are those of the bytes before.
struct SubScale {
  int scale, least;
};

SubScale sub_scale(const std::uint8_t* s, int i) {
  if (i < 4) return {s[i] & 63, s[i + 4] & 63};
  return {(s[i + 4] & 15) | ((s[i - 4] >> 6) << 4), (s[i + 4] >> 4) | ((s[i] >> 6) << 4)};
}

// Scale i of 16, 6 bits with 32 for zero, of 12 bytes: 4 low bits in bytes 0 to 7 (low halves, then high
// ones), 2 high bits in bytes 8 to 11.
int signed_scale(const std::uint8_t* s, int i) {
  const int low = i < 8 ? s[i] & 15 : s[i - 8] >> 4;
  const int high = (s[8 + i % 4] >> (2 * (i / 4))) & 3;
  return (low | (high << 4)) - 32;
}

// 2 bits of weight i of 256, of 64 bytes.
int code2(const std::uint8_t* codes, int i) {
  return (codes[i / 128 * 32 + i % 32] >> (2 * (i % 128 / 32))) & 3;
}

// 4 bits of weight i of 256, of 128 bytes.
int code4(const std::uint8_t* codes, int i) {
  const int byte = codes[i / 64 * 32 + i % 32];
  return i % 64 < 32 ? byte & 15 : byte >> 4;
}

// Digit `power` of five ternary ones in a byte: the byte is ceil(number * 256 / 243), so that multiplying
// brings a digit to the top.
float ternary(std::uint8_t byte, std::uint8_t power) {
  const auto shifted = static_cast<std::uint8_t>(byte * power);
  return static_cast<float>(((shifted * 3) >> 8) - 1);
}

}  // namespace

void decode_q2_k(const std::uint8_t* x, float* y) {
  const std::uint8_t* codes = x + 16;
  const float d = field_f16(x + 80);
  const float m = field_f16(x + 82);
  for (int sub = 0; sub < 16; ++sub) {
    const float dl = d * static_cast<float>(x[sub] & 15);
    const float ml = m * static_cast<float>(x[sub] >> 4);
    for (int i = 16 * sub; i < 16 * sub + 16; ++i) y[i] = dl * static_cast<float>(code2(codes, i)) - ml;
  }
}

void decode_q3_k(const std::uint8_t* x, float* y) {
  const std::uint8_t* codes = x + 32;
  const float d = field_f16(x + 108);
  for (int sub = 0; sub < 16; ++sub) {
    const float dl = d * static_cast<float>(signed_scale(x + 96, sub));
    for (int i = 16 * sub; i < 16 * sub + 16; ++i) {
      const int third = (x[i % 32] >> (i / 32)) & 1;  // clear: 4 less
      y[i] = dl * static_cast<float>(code2(codes, i) - (third != 0 ? 0 : 4));
    }
  }
}

void decode_q4_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const float m = field_f16(x + 2);
  for (int sub = 0; sub < 8; ++sub) {
    const SubScale s = sub_scale(x + 4, sub);
    const float dl = d * static_cast<float>(s.scale);
    const float ml = m * static_cast<float>(s.least);
    for (int i = 32 * sub; i < 32 * sub + 32; ++i) y[i] = dl * static_cast<float>(code4(x + 16, i)) - ml;
  }
}

void decode_q5_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const float m = field_f16(x + 2);
  for (int sub = 0; sub < 8; ++sub) {
    const SubScale s = sub_scale(x + 4, sub);
    const float dl = d * static_cast<float>(s.scale);
    const float ml = m * static_cast<float>(s.least);
    for (int i = 32 * sub; i < 32 * sub + 32; ++i) {
      const int fifth = (x[16 + i % 32] >> sub) & 1;
      y[i] = dl * static_cast<float>(code4(x + 48, i) + 16 * fifth) - ml;
    }
  }
}

void decode_q6_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x + 208);
  for (int i = 0; i < 256; ++i) {
    // In each half of 128: the low 4 bits in groups of 64 bytes for 128 weights, the high 2 as codes of 2.
    const int byte = x[i / 128 * 64 + i % 64];
    const int low = i % 128 < 64 ? byte & 15 : byte >> 4;
    const int code = (low | (code2(x + 128, i) << 4)) - 32;
    const float dl = d * static_cast<float>(static_cast<std::int8_t>(x[192 + i / 16]));
    y[i] = dl * static_cast<float>(code);
  }
}

void decode_iq4_xs(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const std::uint16_t high = field16(x + 2);
  for (int sub = 0; sub < 8; ++sub) {
    const int low = (x[4 + sub / 2] >> (4 * (sub % 2))) & 15;
    const float dl = d * static_cast<float>((low | (((high >> (2 * sub)) & 3) << 4)) - 32);
    const std::uint8_t* codes = x + 8 + 16 * sub;
    for (int i = 0; i < 16; ++i) {
      y[32 * sub + i] = dl * static_cast<float>(kIq4Values[codes[i] & 15]);
      y[32 * sub + i + 16] = dl * static_cast<float>(kIq4Values[codes[i] >> 4]);
    }
  }
}

void decode_tq1_0(const std::uint8_t* x, float* y) {
  constexpr std::uint8_t kPowers[5] = {1, 3, 9, 27, 81};
  const float d = field_f16(x + 52);
  // 32 bytes of five weights, 16 bytes of five, 4 bytes of four: within each, the first digit of all bytes
  // comes before the second.
  const auto part = [&](const std::uint8_t* bytes, int count, int digits) {
    for (int digit = 0; digit < digits; ++digit) {
      for (int i = 0; i < count; ++i) *y++ = ternary(bytes[i], kPowers[digit]) * d;
    }
  };
  part(x, 32, 5);
  part(x + 32, 16, 5);
  part(x + 48, 4, 4);
}

void decode_tq2_0(const std::uint8_t* x, float* y) {
  const float d = field_f16(x + 64);
  for (int i = 0; i < 256; ++i) y[i] = static_cast<float>(code2(x, i) - 1) * d;
}

}  // namespace lq::ggml
