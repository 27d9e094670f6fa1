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

// The codes of a sub-block: `shift` is the place of a code in each byte.
struct SubCodes {
  const std::uint8_t* bytes;
  int shift;
};

// Codes of 2 bits of sub-block `sub` of 16 weights, of 64 bytes.
SubCodes codes2(const std::uint8_t* codes, int sub) {
  return {codes + sub / 8 * 32 + sub % 2 * 16, 2 * (sub % 8 / 2)};
}

// Codes of 4 bits of sub-block `sub` of 32 weights, of 128 bytes.
SubCodes codes4(const std::uint8_t* codes, int sub) { return {codes + sub / 2 * 32, 4 * (sub % 2)}; }

// Digit `power` of five ternary ones in a byte: the byte is ceil(number * 256 / 243), so that multiplying
// brings a digit to the top.
float ternary(std::uint8_t byte, std::uint8_t power) {
  const auto shifted = static_cast<std::uint8_t>(byte * power);
  return static_cast<float>(((shifted * 3) >> 8) - 1);
}

}  // namespace

void decode_q2_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x + 80);
  const float m = field_f16(x + 82);
  for (int sub = 0; sub < 16; ++sub) {
    const float dl = d * static_cast<float>(x[sub] & 15);
    const float ml = m * static_cast<float>(x[sub] >> 4);
    const SubCodes codes = codes2(x + 16, sub);
    float* const to = y + 16 * sub;
    for (int i = 0; i < 16; ++i) to[i] = dl * static_cast<float>((codes.bytes[i] >> codes.shift) & 3) - ml;
  }
}

void decode_q3_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x + 108);
  for (int sub = 0; sub < 16; ++sub) {
    const float dl = d * static_cast<float>(signed_scale(x + 96, sub));
    const SubCodes codes = codes2(x + 32, sub);
    const std::uint8_t* const thirds = x + sub % 2 * 16;
    float* const to = y + 16 * sub;
    for (int i = 0; i < 16; ++i) {
      const int third = (thirds[i] >> (sub / 2)) & 1;  // clear: 4 less
      to[i] = dl * static_cast<float>(((codes.bytes[i] >> codes.shift) & 3) + 4 * third - 4);
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
    const SubCodes codes = codes4(x + 16, sub);
    float* const to = y + 32 * sub;
    for (int i = 0; i < 32; ++i) to[i] = dl * static_cast<float>((codes.bytes[i] >> codes.shift) & 15) - ml;
  }
}

void decode_q5_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  const float m = field_f16(x + 2);
  for (int sub = 0; sub < 8; ++sub) {
    const SubScale s = sub_scale(x + 4, sub);
    const float dl = d * static_cast<float>(s.scale);
    const float ml = m * static_cast<float>(s.least);
    const SubCodes codes = codes4(x + 48, sub);
    float* const to = y + 32 * sub;
    for (int i = 0; i < 32; ++i) {
      const int fifth = (x[16 + i] >> sub) & 1;
      to[i] = dl * static_cast<float>(((codes.bytes[i] >> codes.shift) & 15) + 16 * fifth) - ml;
    }
  }
}

// In each half of 128 weights the low 4 bits lie in 64 bytes: their low halves, then the high ones.
void decode_q6_k(const std::uint8_t* x, float* y) {
  const float d = field_f16(x + 208);
  for (int sub = 0; sub < 16; ++sub) {
    const float dl = d * static_cast<float>(static_cast<std::int8_t>(x[192 + sub]));
    const std::uint8_t* const low = x + sub / 8 * 64 + sub % 4 * 16;
    const int low_shift = sub % 8 < 4 ? 0 : 4;
    const SubCodes high = codes2(x + 128, sub);
    float* const to = y + 16 * sub;
    for (int i = 0; i < 16; ++i) {
      const int code = ((low[i] >> low_shift) & 15) | (((high.bytes[i] >> high.shift) & 3) << 4);
      to[i] = dl * static_cast<float>(code - 32);
    }
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
  for (int sub = 0; sub < 16; ++sub) {
    const SubCodes codes = codes2(x, sub);
    for (int i = 0; i < 16; ++i) {
      y[16 * sub + i] = static_cast<float>(((codes.bytes[i] >> codes.shift) & 3) - 1) * d;
    }
  }
}

}  // namespace lq::ggml
