// y = x w^T for up to 8 rows of x straight from a trellis code, as the lanes of a warp compute it
// (trellis_rows.cu). A tile of the code is the left side of one product of few_rows_element.h: its values are
// whole numbers up to 510 and so exact in half precision. Lane 4 g + t has of rows g and g + 8 the columns
// from 4 t to 4 t + 3. x is in half precision in the order of its columns, each row scaled by a power of two
// into range; a block's scale is applied to its f32 sums.
#pragma once

#include <cstdint>

#include "backends/cuda/few_rows_element.h"
#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"
#include "backends/cuda/trellis_element.h"

namespace lq::backends::cuda {

inline constexpr int kGroupTiles = kNfGroup / kTrellisSide;  // of 64 columns
inline constexpr int kTrellisRun = 4;                        // columns of a lane

// Words of four columns that lie together: two words of 16 bits in each.
struct FourWords {
  std::uint32_t word[2];
};
LQ_HOST_DEVICE inline FourWords four_words(const std::uint8_t* tile, int plane, int t) {
  const std::uint8_t* const at = tile + 2 * (kTrellisSide * plane + kTrellisRun * t);
#ifdef __CUDA_ARCH__
  const uint2 both = __ldg(reinterpret_cast<const uint2*>(at));
  return {{both.x, both.y}};
#else
  return {{load_word(at), load_word(at + 4)}};
#endif
}

// The states of row `row` of the tile in the lane's four columns. REQUIRES: tiles on multiples of 8 bytes.
template <int kBits>
LQ_HOST_DEVICE inline void lane_states(const std::uint8_t* tile, int state_bits, int row, int t,
                                       std::uint32_t states[kTrellisRun]) {
  const int plane = kBits * row / 16;
  const FourWords here = four_words(tile, plane, t);
  FourWords next;
  if (plane + 1 < kBits) {
    next = four_words(tile, plane + 1, t);
  } else {
    // A column's last word goes on in the first of the next column.
    const FourWords first = four_words(tile, 0, t);
    const std::uint32_t behind = trellis_word(tile, 0, (kTrellisRun * t + kTrellisRun) % kTrellisSide);
    next = {{first.word[0] >> 16 | first.word[1] << 16, first.word[1] >> 16 | behind << 16}};
  }
  const int shift = kBits * row % 16;
  const std::uint32_t mask = (1U << state_bits) - 1U;
  for (int i = 0; i < 2; ++i) {
    states[2 * i] = ((here.word[i] & 0xffffU) | next.word[i] << 16) >> shift & mask;
    states[2 * i + 1] = (here.word[i] >> 16 | (next.word[i] & 0xffff0000U)) >> shift & mask;
  }
}

// The bits of 1024 and the sum of a hash's four bytes, at most 1020, in half precision.
LQ_HOST_DEVICE inline std::uint32_t half_of_byte_sum(std::uint32_t hash) {
#if defined(__CUDACC__) && defined(__CUDA_ARCH__)
  return __dp4a(hash, 0x01010101U, 0x6400U);
#else
  return 0x6400U + (hash & 0xffU) + (hash >> 8 & 0xffU) + (hash >> 16 & 0xffU) + (hash >> 24);
#endif
}

// Two states' values as a pair of halves, exact.
LQ_HOST_DEVICE inline std::uint32_t state_pair(std::uint32_t first, std::uint32_t second) {
  const std::uint32_t sums = pair_of_halves(half_of_byte_sum(kTrellisMultiplier * first),
                                            half_of_byte_sum(kTrellisMultiplier * second));
#if defined(__CUDACC__) && defined(__CUDA_ARCH__)
  std::uint32_t values;  // less 1024 and the centre: what 0x65fe is
  asm("sub.f16x2 %0, %1, %2;" : "=r"(values) : "r"(sums), "r"(0x65fe65feU));
  return values;
#else
  constexpr float kLess = 1024.0F + kTrellisCentre;
  return pair_of_halves(half_of_float(float_of_half(sums & 0xffffU) - kLess),
                        half_of_float(float_of_half(sums >> 16) - kLess));
#endif
}

// The lane's left side of a tile: rows g and g + 8 of two columns, then of the other two.
template <int kBits>
LQ_HOST_DEVICE inline void tile_values(const std::uint8_t* tile, int state_bits, int lane,
                                       std::uint32_t left[4]) {
  for (int lower = 0; lower < 2; ++lower) {
    std::uint32_t states[kTrellisRun];
    lane_states<kBits>(tile, state_bits, lane / kQuad + 8 * lower, lane % kQuad, states);
    left[lower] = state_pair(states[0], states[1]);
    left[2 + lower] = state_pair(states[2], states[3]);
  }
}

// Where the lane's four columns of tile `tile` of a group begin among the halves of x.
LQ_HOST_DEVICE inline std::int64_t tile_x_place(std::int64_t group, int tile, int row, int t) {
  return (group * kTileCols + row) * kNfGroup + tile * kTrellisSide + t * kTrellisRun;
}

// The scale of a row's block as few rows take it. REQUIRES: second-level scales aligned to 4 bytes.
LQ_HOST_DEVICE inline float coarse_trellis_scale(const TrellisView& v, std::int64_t index) {
  const float scale2 = static_cast<const float*>(v.scales2)[index / kTrellisBlocks2];
  return v.offset + static_cast<float>(v.scales[index]) * (scale2 * (1.0F / 255.0F));
}

// Whether the kernel takes that weight: whole groups of 64 columns, at least one row.
LQ_HOST_DEVICE inline bool takes_trellis(const TrellisView& v, std::int64_t rows, std::int64_t cols) {
  return rows > 0 && cols > 0 && cols % kNfGroup == 0 && v.bits >= 2 && v.bits <= 4;
}

}  // namespace lq::backends::cuda
