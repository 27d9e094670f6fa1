// y = x w^T for up to 8 rows of x from codes in tiles (tile_element.h), as the lanes of a warp compute it
// (tile_rows.cu): the tensor core's product of few_rows_element.h, four for each group of 64 columns. x is
// in half precision in the order of its columns, each row scaled by a power of two into range: pair p of lane
// t is columns 16 t + 2 p and the next, as of codes of 8 bits in the file's layout. A group's scale is
// applied to its f32 sums.
#pragma once

#include <cstdint>

#include "backends/cuda/few_rows_element.h"
#include "backends/cuda/tile_element.h"

namespace lq::backends::cuda {

static_assert(kTileSide == kTileRows);

// Pairs of codes index a table in shared memory by a byte, with a copy for each lane, so that no lane waits
// for another: of 4 bits both nibbles; of 3 bits the same, with holes; of 2 bits a byte is two pairs, read
// as 8 bytes, for which half a warp's copies do; of 8 bits one value an entry.
LQ_HOST_DEVICE constexpr int byte_entries(int bits) { return bits == 3 ? 0x78 : 256; }
LQ_HOST_DEVICE constexpr int byte_table_words(int bits) { return byte_entries(bits) * kLanes; }

// Word `at` of the table. halves: the codebook in half precision, 2^bits of them.
template <int kBits>
LQ_HOST_DEVICE inline std::uint32_t byte_table_word(const std::uint16_t* halves, int at) {
  const int byte = at / kLanes;
  if (kBits == 8) return halves[byte];
  if (kBits == 2) {
    const int pair = byte >> (4 * (at % 2)) & 15;
    return pair_of_halves(halves[pair & 3], halves[pair >> 2]);
  }
  constexpr int kMask = (1 << kBits) - 1;
  return pair_of_halves(halves[byte & kMask], halves[byte >> 4 & kMask]);
}

struct alignas(8) TwoPairs {
  std::uint32_t pair[2];
};

// A lane's pairs of one row and group as the tensor core takes them. table: aligned to 8 bytes.
template <int kBits>
LQ_HOST_DEVICE inline void run_values(const RunWords<kBits>& run, const std::uint32_t* table, int lane,
                                      std::uint32_t values[kPairs]) {
  if constexpr (kBits == 2) {
    for (int b = 0; b < 4; ++b) {
      const int byte = static_cast<int>(run.word[0] >> (8 * b) & 0xffU);
      const TwoPairs two =
          reinterpret_cast<const TwoPairs*>(table)[byte * (kLanes / 2) + lane % (kLanes / 2)];
      values[2 * b] = two.pair[0];
      values[2 * b + 1] = two.pair[1];
    }
  } else {
    for (int p = 0; p < kPairs; ++p) {
      if constexpr (kBits == 8) {
        const std::uint32_t both = run.word[p / 2] >> (16 * (p % 2)) & 0xffffU;
        values[p] = pair_of_halves(table[static_cast<int>(both & 0xffU) * kLanes + lane],
                                   table[static_cast<int>(both >> 8) * kLanes + lane]);
      } else {
        const int byte = static_cast<int>(run.word[p / 4] >> (8 * (p % 4)) & 0xffU);
        values[p] = table[byte * kLanes + lane];
      }
    }
  }
}

// A lane's codes of a chunk.
template <int kBits>
struct ChunkCodes {
  static constexpr int kPieces = chunk_pieces(kBits, kChunkGroups);
  std::uint32_t piece[kPieces][kPieceWords];
};

// Pieces that the chunk lacks stay as they are; the one of third bits is always the last. load(at, words):
// the 16 bytes `at` bytes behind the chunk's first piece.
template <int kBits, typename Load>
LQ_HOST_DEVICE inline void load_chunk(int groups, int lane, const Load& load, ChunkCodes<kBits>& codes) {
  constexpr int kLow = low_pieces(kBits, kChunkGroups);
  const int low = low_pieces(kBits, groups);
  for (int p = 0; p < kLow; ++p) {
    if (p < low) load(p * kPieceBytes + lane * 16, codes.piece[p]);
  }
  if (kBits == 3) load(low * kPieceBytes + lane * 16, codes.piece[ChunkCodes<kBits>::kPieces - 1]);
}

// Of group `group` < kChunkGroups of the chunk. lower: row / 8.
template <int kBits>
LQ_HOST_DEVICE inline RunWords<kBits> chunk_run(const ChunkCodes<kBits>& codes, int lower, int group) {
  return run_words<kBits>(kChunkGroups, lower, group,
                          [&](int piece, int word) { return codes.piece[piece][word]; });
}

// A lane's first-level scales of a chunk: of rows lane / 4 and that + 8.
struct ChunkScales {
  std::uint32_t codes[2];  // byte = group
  float step[2];           // what a code is multiplied by, where the row's groups share it
};

// A step for sums that were rounded to half precision before: without the exact division. REQUIRES:
// second-level scales aligned as their type wants it.
LQ_HOST_DEVICE inline float coarse_step(const NfView& v, std::int64_t index) {
  // 16, 64 or 256 share one: a shift, for a division by what is not known before is slow.
  const int shift = v.format.block2 == 256 ? 8 : v.format.block2 == 64 ? 6 : 4;
  return coarse_scale2(v, index >> shift) * (1.0F / static_cast<float>((1 << v.format.scale_bits) - 1));
}

// Whether the groups of a chunk share their second-level scale: 4 divides how many groups share one.
LQ_HOST_DEVICE inline bool chunks_share_scale(const TileShape& s) { return s.groups % kChunkGroups == 0; }

LQ_HOST_DEVICE inline std::int64_t row_of_lane(const NfView& v, std::int64_t tile, int lane, int lower) {
  const std::int64_t row = tile * kTileSide + lane / kQuad + 8 * lower;
  return row < v.rows ? row : v.rows - 1;  // of a row past the last nothing is written
}

LQ_HOST_DEVICE inline ChunkScales load_chunk_scales(const NfView& v, const TileShape& s, std::int64_t tile,
                                                    std::int64_t chunk, int lane) {
  ChunkScales scales = {};
  const std::uint8_t* const at = v.scales + scale_place(s, tile, chunk) + lane / kQuad * 8;
  for (int lower = 0; lower < 2; ++lower) {
    scales.codes[lower] = load_word(at + 4 * lower);
    if (chunks_share_scale(s))
      scales.step[lower] =
          coarse_step(v, row_of_lane(v, tile, lane, lower) * s.groups + chunk * kChunkGroups);
  }
  return scales;
}

LQ_HOST_DEVICE inline float chunk_scale_of(const NfView& v, const TileShape& s, const ChunkScales& scales,
                                           std::int64_t tile, std::int64_t chunk, int lane, int lower,
                                           int group) {
  const float step =
      chunks_share_scale(s)
          ? scales.step[lower]
          : coarse_step(v, row_of_lane(v, tile, lane, lower) * s.groups + chunk * kChunkGroups + group);
  return v.offset + static_cast<float>(scales.codes[lower] >> (8 * group) & 0xffU) * step;
}

// Blocks that share the tiles of several products evenly: each has as many tiles as the others of its
// product or one fewer, and no product's blocks have more than `most` blocks would need for all.
// REQUIRES: count <= kMostShares; tiles[i] >= 1.
inline BlockShares share_tiles(const std::int64_t* tiles, int count, std::int64_t most) {
  std::int64_t all = 0;
  for (int i = 0; i < count; ++i) all += tiles[i];
  const std::int64_t each = (all + most - 1) / most;
  BlockShares s = {};
  s.count = count;
  for (int i = 0; i < count; ++i)
    s.first[i + 1] = s.first[i] + static_cast<unsigned>((tiles[i] + each - 1) / each);
  return s;
}

}  // namespace lq::backends::cuda
