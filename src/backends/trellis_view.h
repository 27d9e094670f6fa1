// A plain view of a matrix in a trellis code, as the kernels of every device take it. What the bytes mean is
// said in docs/formats/tcq.md; quant/trellis/trellis_reference.h is the codec that defines it.
#pragma once

#include <cstdint>

namespace lq::backends {

inline constexpr int kTrellisSide = 16;   // rows and columns of a tile
inline constexpr int kTrellisTile = 256;  // its elements; element t lies in row t % 16 and column t / 16
inline constexpr int kMinStateBits = 10;
inline constexpr int kMaxStateBits = 16;
// The value of state s: the sum of the four bytes of (kTrellisMultiplier * s mod 2^32), less kTrellisCentre.
inline constexpr std::uint32_t kTrellisMultiplier = 0x83DCD12DU;
inline constexpr int kTrellisCentre = 510;
inline constexpr int kTrellisBlocks2 = 256;  // first-level scales that share a second-level scale

// Borrowed. Rows and columns that the last tiles have beyond the matrix are not part of it.
struct TrellisView {
  // [ceil(rows / 16)][ceil(cols / 16)] tiles of `bits` planes of 16 little-endian 16-bit words: word c of
  // plane q holds bits 16 q .. 16 q + 15 of column c's 16 * bits bits.
  const std::uint8_t* codes = nullptr;
  const std::uint8_t* scales = nullptr;  // [rows][ceil(cols / block)]
  const void* scales2 = nullptr;         // [ceil(first-level scales / 256)] f32, of any alignment
  float offset = 0.0F;
  int bits = 0;        // of storage an element: 2, 3, 4
  int state_bits = 0;  // 10 to 16
  int block = 0;       // columns of a row that share a first-level scale: 32, 64, 128, 256
};

}  // namespace lq::backends
