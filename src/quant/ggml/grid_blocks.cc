// Types whose codes are points of a grid (iq_grids.h): 8 or 4 weights at a time, their signs apart.
#include <bit>

#include "quant/ggml/block_decoders.h"
#include "quant/ggml/block_fields.h"
#include "quant/ggml/iq_grids.h"

namespace lq::ggml {
namespace {

constexpr float kIq1Delta = 0.125F;

float iq2_value(std::uint16_t point, int j) {
  constexpr float kValues[4] = {8.0F, 25.0F, 43.0F, 0.0F};
  return kValues[(point >> (2 * j)) & 3];
}

float iq1_value(std::uint16_t point, int j) { return static_cast<float>(((point >> (2 * j)) & 3) - 1); }

float iq3_xxs_value(std::uint16_t point, int j) {
  constexpr float kValues[8] = {4.0F, 12.0F, 20.0F, 28.0F, 36.0F, 44.0F, 52.0F, 62.0F};
  return kValues[(point >> (4 * j)) & 7];
}

float iq3_s_value(std::uint16_t point, int j) { return static_cast<float>(2 * ((point >> (4 * j)) & 7) + 1); }

// Seven signs are stored; the eighth makes their number even.
unsigned eight_signs(unsigned seven) {
  return seven | ((static_cast<unsigned>(std::popcount(seven)) & 1U) << 7);
}

float sign_of(unsigned signs, int j) { return ((signs >> j) & 1U) != 0 ? -1.0F : 1.0F; }

// y[0..8) of a point of an IQ2 grid.
void put_iq2(float scale, std::uint16_t point, unsigned signs, float* y) {
  for (int j = 0; j < 8; ++j) y[j] = scale * iq2_value(point, j) * sign_of(signs, j);
}

float iq2_scale(float d, unsigned scale) { return d * (0.5F + static_cast<float>(scale)) * 0.25F; }

void put_iq1(float scale, std::uint16_t point, float delta, float* y) {
  for (int j = 0; j < 8; ++j) y[j] = scale * (iq1_value(point, j) + delta);
}

}  // namespace

// For every 32 weights: four indices of 8 bits, then 32 bits with four times seven signs and a scale.
void decode_iq2_xxs(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int sub = 0; sub < 8; ++sub) {
    const std::uint8_t* at = x + 2 + 8 * sub;
    const std::uint32_t rest = field32(at + 4);
    const float scale = iq2_scale(d, rest >> 28);
    for (int k = 0; k < 4; ++k) {
      put_iq2(scale, kIq2XxsGrid[at[k]], eight_signs((rest >> (7 * k)) & 127U), y + 32 * sub + 8 * k);
    }
  }
}

// For every 8 weights: 9 bits of index, seven signs; for every 16 a scale of 4 bits.
void decode_iq2_xs(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int k = 0; k < 32; ++k) {
    const std::uint16_t code = field16(x + 2 + 2 * k);
    const float scale = iq2_scale(d, (x[66 + k / 4] >> (4 * (k / 2 % 2))) & 15U);
    put_iq2(scale, kIq2XsGrid[code & 511], eight_signs(code >> 9), y + 8 * k);
  }
}

// For every 8 weights: 10 bits of index (two of them apart), eight signs; for every 16 a scale.
void decode_iq2_s(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int k = 0; k < 32; ++k) {
    const unsigned high = (x[66 + k / 4] >> (2 * (k % 4))) & 3U;
    const float scale = iq2_scale(d, (x[74 + k / 4] >> (4 * (k / 2 % 2))) & 15U);
    put_iq2(scale, kIq2SGrid[x[2 + k] | (high << 8)], x[34 + k], y + 8 * k);
  }
}

// For every 4 weights an index of 8 bits; for every 32, 32 bits with four times seven signs and a scale.
void decode_iq3_xxs(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int sub = 0; sub < 8; ++sub) {
    const std::uint32_t rest = field32(x + 66 + 4 * sub);
    const float scale = d * (0.5F + static_cast<float>(rest >> 28)) * 0.5F;
    for (int i = 0; i < 32; ++i) {
      const unsigned signs = eight_signs((rest >> (7 * (i / 8))) & 127U);
      const std::uint16_t point = kIq3XxsGrid[x[2 + 8 * sub + i / 4]];
      y[32 * sub + i] = scale * iq3_xxs_value(point, i % 4) * sign_of(signs, i % 8);
    }
  }
}

// For every 4 weights 9 bits of index (one of them apart); for every 8 eight signs; for every 32 a scale.
void decode_iq3_s(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int i = 0; i < 256; ++i) {
    const int sub = i / 32;
    const int group = i / 4;
    const unsigned high = (x[66 + sub] >> (group % 8)) & 1U;
    const int step = 1 + 2 * ((x[106 + sub / 2] >> (4 * (sub % 2))) & 15);
    const float scale = d * static_cast<float>(step);
    const std::uint16_t point = kIq3SGrid[x[2 + group] | (high << 8)];
    y[i] = scale * iq3_s_value(point, i % 4) * sign_of(x[74 + i / 8], i % 8);
  }
}

// For every 8 weights 11 bits of index (three of them apart); for every 32 a scale of 3 bits and the side to
// which all are shifted.
void decode_iq1_s(const std::uint8_t* x, float* y) {
  const float d = field_f16(x);
  for (int sub = 0; sub < 8; ++sub) {
    const unsigned high = field16(x + 34 + 2 * sub);
    const float scale = d * static_cast<float>(2 * ((high >> 12) & 7U) + 1);
    const float delta = (high & 0x8000U) != 0 ? -kIq1Delta : kIq1Delta;
    for (int k = 0; k < 4; ++k) {
      const unsigned index = x[2 + 4 * sub + k] | (((high >> (3 * k)) & 7U) << 8);
      put_iq1(scale, kIq1Grid[index], delta, y + 32 * sub + 8 * k);
    }
  }
}

// As IQ1_S with a scale for every 16 weights and a side for every 8. The scale of all, an f16, lies in the
// high 4 bits of the four words of scales.
void decode_iq1_m(const std::uint8_t* x, float* y) {
  const std::uint8_t* scales = x + 48;
  unsigned bits = 0;
  for (int word = 0; word < 4; ++word) {
    bits |= static_cast<unsigned>(field16(scales + 2 * word) >> 12) << (4 * word);
  }
  const float d = to_float(f16{static_cast<std::uint16_t>(bits)});
  for (int k = 0; k < 32; ++k) {
    const int step = (field16(scales + 2 * (k / 8)) >> (3 * (k / 2 % 4))) & 7;
    const float scale = d * static_cast<float>(2 * step + 1);
    const unsigned rest = (x[32 + k / 2] >> (4 * (k % 2))) & 15U;
    const float delta = (rest & 8U) != 0 ? -kIq1Delta : kIq1Delta;
    put_iq1(scale, kIq1Grid[x[k] | ((rest & 7U) << 8)], delta, y + 8 * k);
  }
}

}  // namespace lq::ggml
