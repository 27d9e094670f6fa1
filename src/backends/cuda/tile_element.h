// Codes packed anew for products of few rows: tiles of 16 rows, in chunks of 256 columns, in the order in
// which the lanes of a warp take them (tile_rows_element.h). Who has a codebook's NfView in this layout
// (PackedLayout::kTiles) has in
//   codes   [ceil(rows / 16)] tiles of chunks, one after the other; a chunk is pieces of 512 bytes, 16 for
//           each lane. The last chunk of a tile may have fewer groups of 64 columns, and then fewer pieces.
//   scales  [ceil(rows / 16)][ceil(cols / 256)] of 64 bytes: a first-level scale's code each, whatever bits
//           it has; of rows g and g + 8 the four groups, g = 0 .. 7.
//   scales2, offset, codebook as the file has them: first-level scales are numbered as they are there.
// Lane 4 g + t has of rows g and g + 8, and of each group, the 16 columns from 16 t on. Code i of them:
//   4 bits  a piece a group: words 0, 1 of row g, words 2, 3 of row g + 8; bits 4 (i % 8) of word i / 8.
//   8 bits  two pieces a group, of row g and of g + 8: byte i.
//   2 bits  a piece two groups: word 2 (group % 2) + row / 8; bits 2 i.
//   3 bits  low bits as of 2 bits, but at 4 (i % 8) + 2 (i / 8); and one piece of third bits, word = group:
//           bit 4 (i % 8) + i / 8 + 2 (row / 8). A shift and a mask put either half's onto its nibbles.
// What rows and columns a tile has beyond the matrix have code 0 and scale code 0.
#pragma once

#include <cstdint>

#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"
#include "backends/cuda/nf_element.h"
#include "backends/nf_view.h"

namespace lq::backends::cuda {

inline constexpr int kTileSide = 16;     // rows
inline constexpr int kChunkGroups = 4;   // of 64 columns
inline constexpr int kPieceBytes = 512;  // 16 a lane
inline constexpr int kPieceWords = 4;
inline constexpr int kChunkScales = 64;  // bytes
inline constexpr int kLaneRun = 16;      // columns of a lane in a group

// Pieces of low bits, and of all, of a chunk of so many groups.
LQ_HOST_DEVICE constexpr int low_pieces(int bits, int groups) {
  return bits == 8 ? 2 * groups : bits == 4 ? groups : (groups + 1) / 2;
}
LQ_HOST_DEVICE constexpr int chunk_pieces(int bits, int groups) {
  return low_pieces(bits, groups) + (bits == 3 && groups > 0 ? 1 : 0);
}

// How the tiles of a matrix lie. REQUIRES: cols % 64 == 0.
struct TileShape {
  std::int64_t tiles, chunks, groups;
  std::int64_t tile_pieces;
};
LQ_HOST_DEVICE inline TileShape tile_shape(const NfView& v) {
  TileShape s = {};
  s.tiles = (v.rows + kTileSide - 1) / kTileSide;
  s.groups = v.cols / kNfGroup;
  s.chunks = (s.groups + kChunkGroups - 1) / kChunkGroups;
  const int rest = static_cast<int>(s.groups % kChunkGroups);
  s.tile_pieces =
      s.groups / kChunkGroups * chunk_pieces(v.format.bits, kChunkGroups) + chunk_pieces(v.format.bits, rest);
  return s;
}
LQ_HOST_DEVICE inline int groups_of_chunk(const TileShape& s, std::int64_t chunk) {
  const std::int64_t left = s.groups - chunk * kChunkGroups;
  return static_cast<int>(left < kChunkGroups ? left : kChunkGroups);
}
// Where a chunk's pieces begin, in bytes, and its scales.
LQ_HOST_DEVICE inline std::int64_t chunk_place(const TileShape& s, int bits, std::int64_t tile,
                                               std::int64_t chunk) {
  return (tile * s.tile_pieces + chunk * chunk_pieces(bits, kChunkGroups)) * kPieceBytes;
}
LQ_HOST_DEVICE inline std::int64_t scale_place(const TileShape& s, std::int64_t tile, std::int64_t chunk) {
  return (tile * s.chunks + chunk) * kChunkScales;
}
// Of a row of its tile and a group of its chunk.
LQ_HOST_DEVICE constexpr int chunk_scale(int row, int group) {
  return row % 8 * 8 + row / 8 * kChunkGroups + group;
}

// Bytes of all codes, and of all first-level scales.
inline std::int64_t tile_code_bytes(const NfView& v) {
  const TileShape s = tile_shape(v);
  return s.tiles * s.tile_pieces * kPieceBytes;
}
inline std::int64_t tile_scale_bytes(const NfView& v) {
  const TileShape s = tile_shape(v);
  return s.tiles * s.chunks * kChunkScales;
}

// Where code i of a lane's 16 lies: its piece of the chunk, word of the piece, and lowest bit. third: of 3
// bits, the third one. REQUIRES: row < 16; group < groups, the chunk's.
struct CodePlace {
  int piece, word, bit;
};
LQ_HOST_DEVICE inline CodePlace code_place(int bits, int groups, int row, int group, int i, bool third) {
  const int lower = row / 8;
  if (bits == 8) return {2 * group + lower, i / 4, i % 4 * 8};
  if (bits == 4) return {group, 2 * lower + i / 8, i % 8 * 4};
  if (third) return {low_pieces(bits, groups), group, i % 8 * 4 + i / 8 + 2 * lower};
  return {group / 2, group % 2 * 2 + lower, bits == 3 ? i % 8 * 4 + i / 8 * 2 : 2 * i};
}

// Word `word` of a lane's part of a piece, from codes in the file's layout.
LQ_HOST_DEVICE inline std::uint32_t tile_word(const NfView& from, const TileShape& s, std::int64_t tile,
                                              std::int64_t chunk, int piece, int lane, int word) {
  const int bits = from.format.bits;
  const int groups = groups_of_chunk(s, chunk);
  const int low = bits == 3 ? 2 : bits;
  const bool third = bits == 3 && piece == low_pieces(bits, groups);
  std::uint32_t out = 0;
  for (int lower = 0; lower < 2; ++lower) {
    const std::int64_t row = tile * kTileSide + lane / 4 + 8 * lower;
    if (row >= from.rows) continue;
    for (int group = 0; group < groups; ++group) {
      const CodePlace first = code_place(bits, groups, 8 * lower, group, 0, third);
      const CodePlace last = code_place(bits, groups, 8 * lower, group, kLaneRun - 1, third);
      if (piece != first.piece || word < first.word || word > last.word) continue;
      const std::int64_t at =
          row * from.cols + (chunk * kChunkGroups + group) * kNfGroup + lane % 4 * kLaneRun;
      for (int i = 0; i < kLaneRun; ++i) {
        const CodePlace place = code_place(bits, groups, 8 * lower, group, i, third);
        if (place.word != word) continue;
        const unsigned code = unpack_code(from.codes, at + i, bits);
        out |= (third ? code >> 2 : code & ((1U << low) - 1U)) << place.bit;
      }
    }
  }
  return out;
}

// Thread `index` of those that pack a matrix: a lane's 16 bytes of a piece. REQUIRES: index < 32 pieces.
LQ_HOST_DEVICE inline void pack_tile_piece(const NfView& from, const TileShape& s, std::int64_t index,
                                           std::uint32_t out[kPieceWords]) {
  const int whole = chunk_pieces(from.format.bits, kChunkGroups);
  const std::int64_t piece = index / kLanes;
  const std::int64_t in_tile = piece % s.tile_pieces;
  for (int word = 0; word < kPieceWords; ++word) {
    out[word] = tile_word(from, s, piece / s.tile_pieces, in_tile / whole, static_cast<int>(in_tile % whole),
                          static_cast<int>(index % kLanes), word);
  }
}

// Byte `index` of the scales.
LQ_HOST_DEVICE inline std::uint8_t pack_tile_scale(const NfView& from, const TileShape& s,
                                                   std::int64_t index) {
  const std::int64_t place = index / kChunkScales;
  const int at = static_cast<int>(index % kChunkScales);
  const std::int64_t row = place / s.chunks * kTileSide + at / 8 + at % 8 / kChunkGroups * 8;
  const std::int64_t group = place % s.chunks * kChunkGroups + at % kChunkGroups;
  if (row >= from.rows || group >= s.groups) return 0;
  return static_cast<std::uint8_t>(unpack_code(from.scales, row * s.groups + group, from.format.scale_bits));
}

LQ_HOST_DEVICE inline unsigned tile_code(const NfView& v, const TileShape& s, std::int64_t row,
                                         std::int64_t col) {
  const int bits = v.format.bits;
  const std::int64_t chunk = col / (kChunkGroups * kNfGroup);
  const int groups = groups_of_chunk(s, chunk);
  const int group = static_cast<int>(col / kNfGroup % kChunkGroups);
  const int in_tile = static_cast<int>(row % kTileSide);
  const int i = static_cast<int>(col % kLaneRun);
  const int lane = in_tile % 8 * 4 + static_cast<int>(col % kNfGroup / kLaneRun);
  const std::uint8_t* const pieces = v.codes + chunk_place(s, bits, row / kTileSide, chunk);
  const auto bits_at = [&](const CodePlace& p, int count) {
    const std::uint32_t word = load_word(pieces + p.piece * kPieceBytes + lane * 16 + p.word * 4);
    return word >> p.bit & ((1U << count) - 1U);
  };
  const std::uint32_t low = bits_at(code_place(bits, groups, in_tile, group, i, false), bits == 3 ? 2 : bits);
  if (bits != 3) return low;
  return low | bits_at(code_place(bits, groups, in_tile, group, i, true), 1) << 2;
}

// The first-level scale of a row's group as it comes back: restore_scale's bits.
LQ_HOST_DEVICE inline float tile_scale(const NfView& v, const TileShape& s, std::int64_t row,
                                       std::int64_t group) {
  const float scale2 = load_scale2(v.scales2, (row * s.groups + group) / v.format.block2, v.format.scale2);
  const std::uint8_t code =
      v.scales[scale_place(s, row / kTileSide, group / kChunkGroups) +
               chunk_scale(static_cast<int>(row % kTileSide), static_cast<int>(group % kChunkGroups))];
  return scale_from_code(code, scale2, v.offset, v.format.scale_bits);
}

// As decode_nf_run, of codes in tiles.
LQ_HOST_DEVICE inline void decode_tile_run(const NfView& v, const float* values, std::int64_t begin,
                                           int count, float* out) {
  const TileShape s = tile_shape(v);
  for (int i = 0; i < count; ++i) {
    const std::int64_t row = (begin + i) / v.cols;
    const std::int64_t col = (begin + i) % v.cols;
    out[i] = values[tile_code(v, s, row, col)] * tile_scale(v, s, row, col / kNfGroup);
  }
}

// A lane's 16 codes of a row and group, in order: bytes of 8 bits, else nibbles, or of 2 bits fields of 2.
template <int kBits>
struct RunWords {
  static constexpr int kWords = kBits == 8 ? 4 : kBits == 2 ? 1 : 2;
  std::uint32_t word[kWords];
};
template <int kBits>
LQ_HOST_DEVICE inline unsigned run_code(const RunWords<kBits>& run, int i) {
  if (kBits == 8) return run.word[i / 4] >> (8 * (i % 4)) & 0xffU;
  if (kBits == 2) return run.word[0] >> (2 * i) & 3U;
  return run.word[i / 8] >> (4 * (i % 8)) & 0xfU;
}

// Codes of 3 bits as nibbles: half `half` of a lane's 16. third: its word of third bits.
LQ_HOST_DEVICE inline std::uint32_t nibbles_of_three(std::uint32_t low, std::uint32_t third, int lower,
                                                     int half) {
  const int set = 2 * lower + half;
  const std::uint32_t top = set == 0 ? third << 2 : set == 1 ? third << 1 : set == 2 ? third : third >> 1;
  return (low >> (2 * half) & 0x33333333U) | (top & 0x44444444U);
}

// The same from the words of a lane's part: at(piece, word) gives one of them. lower: row / 8.
template <int kBits, typename At>
LQ_HOST_DEVICE inline RunWords<kBits> run_words(int groups, int lower, int group, const At& at) {
  RunWords<kBits> run = {};
  if constexpr (kBits == 3) {
    const std::uint32_t low = at(group / 2, group % 2 * 2 + lower);
    const std::uint32_t third = at(low_pieces(3, groups), group);
    for (int half = 0; half < RunWords<kBits>::kWords; ++half)
      run.word[half] = nibbles_of_three(low, third, lower, half);
  } else {
    for (int w = 0; w < RunWords<kBits>::kWords; ++w) {
      const CodePlace p =
          code_place(kBits, groups, 8 * lower, group, w * kLaneRun / RunWords<kBits>::kWords, false);
      run.word[w] = at(p.piece, p.word);
    }
  }
  return run;
}

// A whole matrix to bf16: thread `index` of tiles * groups * 32 has a lane's part of a group, two runs of 16
// columns. value(code) gives the codebook's; store(at, run): elements [at, at + 16) of the matrix.
template <int kBits, typename Value, typename Store>
LQ_HOST_DEVICE inline void decode_tile_lane(const NfView& v, const TileShape& s, std::int64_t index,
                                            const Value& value, const Store& store) {
  const int lane = static_cast<int>(index % kLanes);
  const std::int64_t group = index / kLanes % s.groups;
  const std::int64_t tile = index / kLanes / s.groups;
  const std::int64_t chunk = group / kChunkGroups;
  const std::uint8_t* const pieces = v.codes + chunk_place(s, kBits, tile, chunk) + lane * 16;
  const auto word_at = [&](int piece, int word) {
    return load_word(pieces + piece * kPieceBytes + word * 4);
  };
  for (int lower = 0; lower < 2; ++lower) {
    const std::int64_t row = tile * kTileSide + lane / 4 + 8 * lower;
    if (row >= v.rows) continue;
    const float scale = tile_scale(v, s, row, group);
    const RunWords<kBits> run =
        run_words<kBits>(groups_of_chunk(s, chunk), lower, static_cast<int>(group % kChunkGroups), word_at);
    std::uint16_t out[kLaneRun];
    for (int i = 0; i < kLaneRun; ++i) out[i] = bf16_of_float(value(run_code<kBits>(run, i)) * scale);
    store(row * v.cols + group * kNfGroup + lane % 4 * kLaneRun, out);
  }
}

}  // namespace lq::backends::cuda
