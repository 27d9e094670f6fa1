// One element of a matrix in a trellis code, as every CUDA thread computes it:
// quant/trellis/trellis_reference.h's arithmetic, bit for bit. A CPU test runs it thread by thread.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"
#include "backends/trellis_view.h"

namespace lq::backends::cuda {

// Word q of column c of a tile.
LQ_HOST_DEVICE inline std::uint32_t trellis_word(const std::uint8_t* tile, int q, int c) {
  const std::uint8_t* const at = tile + 2 * (kTrellisSide * q + c);
  return at[0] | static_cast<std::uint32_t>(at[1]) << 8;
}

// The state of row r and column c of a tile: it lies in one word, or goes on in the next, which may be the
// next column's first.
LQ_HOST_DEVICE inline std::uint32_t trellis_state_at(const std::uint8_t* tile, int bits, int state_bits,
                                                     int r, int c) {
  const int q = bits * r / 16;
  const bool last = q + 1 == bits;
  const std::uint32_t here = trellis_word(tile, q, c);
  const std::uint32_t next =
      last ? trellis_word(tile, 0, (c + 1) % kTrellisSide) : trellis_word(tile, q + 1, c);
  return (here | next << 16) >> (bits * r % 16) & ((1U << state_bits) - 1U);
}

LQ_HOST_DEVICE inline int trellis_state_value(std::uint32_t state) {
  const std::uint32_t hash = kTrellisMultiplier * state;
  return static_cast<int>((hash & 0xffU) + (hash >> 8 & 0xffU) + (hash >> 16 & 0xffU) + (hash >> 24)) -
         kTrellisCentre;
}

// Element (row, col) of a matrix of `cols` columns.
LQ_HOST_DEVICE inline float load_trellis(const TrellisView& v, std::int64_t cols, std::int64_t row,
                                         std::int64_t col) {
  const std::int64_t tiles = (cols + kTrellisSide - 1) / kTrellisSide;
  const std::int64_t blocks = (cols + v.block - 1) / v.block;
  const std::uint8_t* const tile = v.codes + (row / kTrellisSide * tiles + col / kTrellisSide) * 32 * v.bits;
  const std::uint32_t state = trellis_state_at(
      tile, v.bits, v.state_bits, static_cast<int>(row % kTrellisSide), static_cast<int>(col % kTrellisSide));
  const std::int64_t index = row * blocks + col / v.block;
  const float step = load_scale2(v.scales2, index / kTrellisBlocks2, ScaleDType::kFp32) / 255.0F;
  const float product = static_cast<float>(v.scales[index]) * step;
  const float scale = v.offset + product;
  return static_cast<float>(trellis_state_value(state)) * scale;
}

}  // namespace lq::backends::cuda
