// y = x w^T for up to 8 rows of x, straight from codes of 2, 3, 4 or 8 bits (few_rows.cu). A warp has 16 rows
// of w and goes over its groups of 64 columns; a group is four products of 16 x 16 by 16 x 8 on tensor cores,
// in half precision with f32 sums: the rows of w are the matrix on the left, rows of x the columns on the
// right.
//
// The order of k within a group is free, as long as both sides have the same: lane t of a quad (four lanes
// share rows) takes the codes that lie together in the bytes it loads, as 8 pairs; pair_place() says which
// columns they are. x is stored in that order beforehand.
//
// Blocks of 64: one scale a row and group, applied to the sums in f32. Shorter blocks: each value is
// multiplied, in half precision, by its scale's share of the group's largest, and the sums by that one.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/decode_element.h"
#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"

namespace lq::backends::cuda {

inline constexpr int kTileRows = 16;                       // rows of w of a warp
inline constexpr int kTileCols = 8;                        // rows of x, at most
inline constexpr int kQuad = 4;                            // lanes that share a row of w
inline constexpr int kPairs = 8;                           // of a lane, row and group
inline constexpr int kGroupHalves = kNfGroup * kTileCols;  // of x in its order, for a group
inline constexpr int kFewWarps = 8;                        // that share a tile's groups

// The place in its group of half `half` of pair `pair` of lane t of a quad.
LQ_HOST_DEVICE constexpr int pair_place(int bits, int t, int pair, int half) {
  return bits == 8   ? 16 * t + 2 * pair + half
         : bits == 4 ? 8 * t + pair + 32 * half
                     : 4 * t + pair / 2 + 32 * (pair % 2) + 16 * half;
}

// Where x[row][64 group + pair_place(.., t, pair, half)] lies among the halves: a lane's 16 together.
LQ_HOST_DEVICE inline std::int64_t ordered_place(std::int64_t group, int row, int t, int pair, int half) {
  return ((group * kTileCols + row) * kQuad + t) * 2 * kPairs + 2 * pair + half;
}

// A lane's codes of one row and group.
template <int kBits>
struct LaneCodes {
  std::uint32_t word[kBits == 8 ? 4 : kBits == 4 ? 2 : 1];
  std::uint32_t top[2];  // third bits of the whole group
};

// REQUIRES: codes of groups lie on multiples of 8 bytes.
template <int kBits>
LQ_HOST_DEVICE inline LaneCodes<kBits> load_lane(const std::uint8_t* group, int t) {
  constexpr int kWords = kBits == 8 ? 4 : kBits == 4 ? 2 : 1;
  LaneCodes<kBits> c = {};
  for (int i = 0; i < kWords; ++i) c.word[i] = load_word(group + 4 * (kWords * t + i));
  if (kBits == 3) {
    c.top[0] = load_word(group + 16);
    c.top[1] = load_word(group + 20);
  }
  return c;
}

// Both codes of a pair: the first in the low `kBits`, the second above it.
template <int kBits>
LQ_HOST_DEVICE inline std::uint32_t pair_codes(const LaneCodes<kBits>& c, int t, int pair) {
  if (kBits == 8) return c.word[pair / 2] >> (16 * (pair % 2)) & 0xffffU;
  if (kBits == 4) return c.word[pair / 4] >> (8 * (pair % 4)) & 0xffU;
  // Byte pair / 2 has the codes of columns j, j + 16, j + 32, j + 48; the pair has two of them.
  const std::uint32_t byte = c.word[0] >> (8 * (pair / 2)) & 0xffU;
  const std::uint32_t low = byte >> (4 * (pair % 2)) & 0xfU;
  if (kBits == 2) return low;
  // Third bits of columns 32 * (pair % 2) + 4 t + pair / 2 and of that + 16.
  const int bit = 4 * t + pair / 2;
  const std::uint32_t first = c.top[pair % 2] >> bit & 1U;
  const std::uint32_t second = c.top[pair % 2] >> (16 + bit) & 1U;
  return (low & 3U) | first << 2 | (low & 12U) << 1 | second << 5;
}

// Entries of the table that pairs are looked up in; of 8 bits it has single values.
LQ_HOST_DEVICE constexpr int pair_entries(int bits) { return bits == 8 ? 256 : 1 << (2 * bits); }
// Copies of it for groups of lanes, which then wait less for each other.
LQ_HOST_DEVICE constexpr int pair_copies(int bits) { return bits == 8 ? 1 : 8; }

// The table's entry: both values in half precision, or of 8 bits one of them.
LQ_HOST_DEVICE inline std::uint32_t pair_entry(const float* codebook, int bits, int entry) {
  if (bits == 8) return half_of_float(codebook[entry]);
  return pair_of_halves(half_of_float(codebook[entry & ((1 << bits) - 1)]),
                        half_of_float(codebook[entry >> bits]));
}

template <int kBits>
LQ_HOST_DEVICE inline std::uint32_t pair_values(const std::uint32_t* table, int copy, std::uint32_t codes) {
  constexpr int kCopies = pair_copies(kBits);
  if (kBits == 8) return pair_of_halves(table[codes & 0xffU], table[codes >> 8]);
  return table[static_cast<int>(codes) * kCopies + copy];
}

LQ_HOST_DEVICE inline std::uint32_t multiply_halves(std::uint32_t a, std::uint32_t b) {
  // Products of two halves are exact in f32.
  return half_of_float(float_of_half(a) * float_of_half(b));
}

// Second-level scale `at`. REQUIRES: aligned as its type wants it.
LQ_HOST_DEVICE inline float coarse_scale2(const NfView& v, std::int64_t at) {
  switch (v.format.scale2) {
    case ScaleDType::kFp32:
      break;
    case ScaleDType::kBf16:
      return float_of_bf16(static_cast<const std::uint16_t*>(v.scales2)[at]);
    case ScaleDType::kFp16:
      return float_of_half(static_cast<const std::uint16_t*>(v.scales2)[at]);
  }
  return static_cast<const float*>(v.scales2)[at];
}

// A first-level scale for sums that are rounded to half precision before: without the exact division.
// REQUIRES: second-level scales aligned as their type wants it.
LQ_HOST_DEVICE inline float coarse_scale(const NfView& v, std::int64_t block) {
  const float step =
      coarse_scale2(v, block / v.format.block2) * (1.0F / static_cast<float>((1 << v.format.scale_bits) - 1));
  return v.offset + static_cast<float>(unpack_code(v.scales, block, v.format.scale_bits)) * step;
}

// Scales of one row's group.
struct GroupScales {
  float whole;            // on the sums
  std::uint16_t part[4];  // of each 16 columns, in half precision; unused where blocks are whole groups
};

LQ_HOST_DEVICE inline GroupScales group_scales(const NfView& v, std::int64_t group) {
  GroupScales s = {};
  const int blocks = kNfGroup / v.format.block;
  if (blocks == 1) {
    s.whole = coarse_scale(v, group);
    return s;
  }
  float scale[4] = {};
  for (int b = 0; b < blocks; ++b) {
    scale[b] = coarse_scale(v, group * blocks + b);
    const float size = scale[b] < 0.0F ? -scale[b] : scale[b];
    s.whole = s.whole < size ? size : s.whole;
  }
  const float inverse = s.whole > 0.0F ? 1.0F / s.whole : 0.0F;
  for (int p = 0; p < 4; ++p) s.part[p] = half_of_float(scale[p * blocks / 4] * inverse);
  return s;
}

// The lane's pairs of one row and group as the tensor core takes them.
template <int kBits, bool kWholeBlocks>
LQ_HOST_DEVICE inline void lane_values(const LaneCodes<kBits>& codes, const GroupScales& scales,
                                       const std::uint32_t* table, int copy, int t,
                                       std::uint32_t values[kPairs]) {
  for (int pair = 0; pair < kPairs; ++pair) {
    const std::uint32_t both = pair_values<kBits>(table, copy, pair_codes<kBits>(codes, t, pair));
    values[pair] = both;
    if (!kWholeBlocks) {
      const std::uint32_t first = scales.part[pair_place(kBits, t, pair, 0) / 16];
      const std::uint32_t second = scales.part[pair_place(kBits, t, pair, 1) / 16];
      values[pair] =
          pair_of_halves(multiply_halves(both & 0xffffU, first), multiply_halves(both >> 16, second));
    }
  }
}

// What m16n8k16 holds where, lane by lane: its left side's row and column, of element `i` of 8.
struct MatrixPlace {
  int row, col;
};
LQ_HOST_DEVICE inline MatrixPlace left_place(int lane, int i) {
  return {lane / kQuad + 8 * (i / 2 % 2), 2 * (lane % kQuad) + i % 2 + 8 * (i / 4)};
}
// Of element `i` of 4 of the right side: row k, column n.
LQ_HOST_DEVICE inline MatrixPlace right_place(int lane, int i) {
  return {2 * (lane % kQuad) + i % 2 + 8 * (i / 2), lane / kQuad};
}
// Of element `i` of 4 of the sums.
LQ_HOST_DEVICE inline MatrixPlace sum_place(int lane, int i) {
  return {lane / kQuad + 8 * (i / 2), 2 * (lane % kQuad) + i % 2};
}

struct LaneSums {
  float sum[4];
};

// sums += scale of its row * the group's products.
LQ_HOST_DEVICE inline void add_group(const LaneSums& products, float upper_scale, float lower_scale,
                                     LaneSums& sums) {
  sums.sum[0] += upper_scale * products.sum[0];
  sums.sum[1] += upper_scale * products.sum[1];
  sums.sum[2] += lower_scale * products.sum[2];
  sums.sum[3] += lower_scale * products.sum[3];
}

// The power of two that a row of x is multiplied by, so that its largest lies in [256, 512): nothing
// overflows in half precision, and little is lost below.
LQ_HOST_DEVICE inline float row_factor(float largest) {
  if (!(largest > 0.0F) || largest > 3.0e38F) return 1.0F;
  int exponent = 0;
  (void)std::frexp(largest, &exponent);  // largest is in [2^(exponent - 1), 2^exponent)
  const int shift = 9 - exponent;
  return std::ldexp(1.0F, shift < -126 ? -126 : shift > 126 ? 126 : shift);
}

// This thread's part of the largest |x|: a NaN stays one.
LQ_HOST_DEVICE inline float largest_of_thread(std::int64_t cols, const float* x, int thread, int threads) {
  float largest = 0.0F;
  for (std::int64_t i = thread; i < cols; i += threads) {
    const float size = x[i] < 0.0F ? -x[i] : x[i];
    largest = size <= largest ? largest : size;
  }
  return largest;
}

// The thread's part of row `row` of x in order, rounded to halves after the factor.
template <int kBits>
LQ_HOST_DEVICE inline void order_row(std::int64_t cols, const float* x, int row, float factor, int thread,
                                     int threads, std::uint16_t* ordered) {
  const std::int64_t all = cols / (2 * kPairs);  // runs of a lane
  for (std::int64_t i = thread; i < all; i += threads) {
    const std::int64_t group = i / kQuad;
    const int t = static_cast<int>(i % kQuad);
    for (int pair = 0; pair < kPairs; ++pair) {
      for (int half = 0; half < 2; ++half) {
        ordered[ordered_place(group, row, t, pair, half)] =
            half_of_float(x[group * kNfGroup + pair_place(kBits, t, pair, half)] * factor);
      }
    }
  }
}

// y = alpha sum, or y += it.
LQ_HOST_DEVICE inline void store_few(float alpha, bool accumulate, float sum, float* y) {
  *y = accumulate ? *y + alpha * sum : alpha * sum;
}

// The blocks of one launch, shared among several products: product i has [first[i], first[i + 1]).
inline constexpr int kMostShares = 4;
struct BlockShares {
  unsigned first[kMostShares + 1];
  int count;
};
// A block's product, its place among that product's blocks, and how many those are.
struct BlockPlace {
  int share;
  std::int64_t block, blocks;
};

// Of about `most` blocks each product gets its part by its units of work, one at least, none without work.
// REQUIRES: count <= kMostShares; units[i] >= 1.
inline BlockShares share_blocks(const std::int64_t* units, int count, std::int64_t most) {
  std::int64_t all = 0;
  for (int i = 0; i < count; ++i) all += units[i];
  BlockShares s = {};
  s.count = count;
  for (int i = 0; i < count; ++i) {
    std::int64_t blocks = all <= most ? units[i] : units[i] * most / all;
    if (blocks < 1) blocks = 1;
    s.first[i + 1] = s.first[i] + static_cast<unsigned>(blocks);
  }
  return s;
}

LQ_HOST_DEVICE inline BlockPlace place_among(const BlockShares& s, unsigned block) {
  int share = 0;
  while (share + 1 < s.count && block >= s.first[share + 1]) ++share;
  return {share, static_cast<std::int64_t>(block - s.first[share]),
          static_cast<std::int64_t>(s.first[share + 1] - s.first[share])};
}

// Whether the kernel takes that weight: whole groups in every row, at least one row.
LQ_HOST_DEVICE inline bool takes_tiles(const NfView& v) {
  return v.rows > 0 && v.cols > 0 && v.cols % kNfGroup == 0;
}

// Any layout, in f32: a warp has a row of w; lane l the runs of 4 columns l, l + 32, ...
inline constexpr int kFewRun = 4;

struct FewSums {
  float sum[kTileCols];
};

// The lane's part of row `row` of w by each row of x. decode(at, count, out) gives elements of w.
template <typename Decode>
LQ_HOST_DEVICE inline FewSums few_sums_of_lane(std::int64_t cols, const float* x, int rows, std::int64_t row,
                                               int lane, const Decode& decode) {
  FewSums s = {};
  for (std::int64_t k = std::int64_t{lane} * kFewRun; k < cols; k += kLanes * kFewRun) {
    const int count = static_cast<int>(cols - k < kFewRun ? cols - k : kFewRun);
    float w[kFewRun];
    decode(row * cols + k, count, w);
    for (int r = 0; r < rows; ++r) {
      for (int e = 0; e < count; ++e) s.sum[r] += w[e] * x[r * cols + k + e];
    }
  }
  return s;
}

}  // namespace lq::backends::cuda
