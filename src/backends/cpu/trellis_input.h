// Activations as the integer kernels of trellis_gemv.cc read them: whole numbers under one scale for each
// block of the matrix's columns.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"

namespace lq::backends {

inline constexpr float kTrellisLevels = 16383.0F;  // of words: 256 such, times +-510, add up within 31 bits
inline constexpr float kTrellisByteLevels = 127.0F;
inline constexpr int kTrellisMaxBlock = 256;  // columns that share a scale

// What a kernel multiplies by: 16-bit numbers, or bytes, as an instruction takes them that adds up four
// products of bytes.
enum class TrellisInputForm { kNone, kWords, kBytes };

struct TrellisInput {
  const std::int16_t* words;   // [vectors][tiles][16], or null
  const std::int8_t* bytes;    // [vectors][tiles][16][4 times the same], or null
  const std::int32_t* centre;  // [vectors][blocks]: what the sum of a block starts from
  const float* step;           // [vectors][blocks]: what 1 of x is worth
  std::int64_t tiles, blocks;
  int vectors;  // 1 or 4 (the last ones zero)
  int count;    // of them wanted
};

// Floats that trellis_round_input() needs for `count` vectors of w.cols numbers: a multiple of 8.
std::int64_t trellis_input_scratch(const PackedView& w, std::int64_t count);

// x: [count, cols], 1 <= count <= kGemvVectors, each block rounded under a scale of its own. One with a NaN
// or an infinity gets a step of NaN, which shows in every product with it. REQUIRES: scratch of
// trellis_input_scratch() floats, 32-byte aligned; a form that is not kNone.
TrellisInput trellis_round_input(const PackedView& w, const float* x, std::int64_t count,
                                 TrellisInputForm form, float* scratch);

}  // namespace lq::backends
