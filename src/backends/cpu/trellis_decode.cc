#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "backends/cpu/trellis_codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/trellis_decode.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "backends/cpu/trellis_simd-inl.h"

#ifndef LQ_BACKENDS_CPU_TRELLIS_PIECE_
#define LQ_BACKENDS_CPU_TRELLIS_PIECE_
namespace lq::backends {

// What is decoded of one strip of 16 rows: rows [first, last) of it, columns [begin, end) of the matrix.
struct TrellisPiece {
  const std::uint8_t* strip;  // its tiles
  const float* scales;        // [blocks][16]
  int first, last;
  std::int64_t begin, end;
  std::int64_t stride;  // of out
};

}  // namespace lq::backends
#endif  // LQ_BACKENDS_CPU_TRELLIS_PIECE_

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// Sixteen columns of one row.
template <int kBits, int kRow>
HWY_INLINE void DecodeRow(const TileWords<kBits>* parts, int state_bits, TileV mask, float scale,
                          float* out) {
  const TileD d;
  const hn::RebindToSigned<TileD> di;
  const hn::Half<decltype(di)> half;
  const hn::Rebind<std::int32_t, decltype(half)> wide;
  const hn::Rebind<float, decltype(half)> df;
  const auto scales = hn::Set(df, scale);
  const auto centre = hn::Set(d, static_cast<std::uint16_t>(kTrellisCentre));
  for (int p = 0; p < kTileParts; ++p) {
    const TileV sums = HashByteSums(RowStates<kBits, kRow>(parts[p], state_bits, mask));
    const auto values = hn::BitCast(di, hn::Sub(sums, centre));
    const auto low = hn::ConvertTo(df, hn::PromoteTo(wide, hn::LowerHalf(half, values)));
    const auto high = hn::ConvertTo(df, hn::PromoteTo(wide, hn::UpperHalf(half, values)));
    hn::StoreU(hn::Mul(low, scales), df, out + kTileLanes * p);
    hn::StoreU(hn::Mul(high, scales), df, out + kTileLanes * p + kTileLanes / 2);
  }
}

template <int kBits>
void DecodePiece(const TrellisView& v, const TrellisPiece& piece, float* out) {
  const int state_bits = v.state_bits;
  const TileV mask = TileMask(state_bits);
  const bool all_rows = piece.first == 0 && piece.last == kTrellisSide;
  alignas(64) float buffer[kTrellisSide * kTrellisSide];
  for (std::int64_t col = piece.begin / kTrellisSide * kTrellisSide; col < piece.end; col += kTrellisSide) {
    TileWords<kBits> parts[kTileParts];
    LoadTile(piece.strip + col / kTrellisSide * 32 * kBits, parts);
    const float* const scales = piece.scales + col / v.block * kTrellisSide;
    const bool whole = col >= piece.begin && col + kTrellisSide <= piece.end;
    float* const to = whole ? out + (col - piece.begin) : buffer;
    const std::int64_t stride = whole ? piece.stride : kTrellisSide;
    const auto decode = [&](auto row) HWY_ATTR {
      constexpr int kRow = decltype(row)::value;
      if (!all_rows && (kRow < piece.first || kRow >= piece.last)) return;
      DecodeRow<kBits, kRow>(parts, state_bits, mask, scales[kRow], to + (kRow - piece.first) * stride);
    };
    ForTileRows<0, kTrellisSide>(decode);
    if (whole) continue;
    const std::int64_t from = std::max(col, piece.begin);
    const std::int64_t until = std::min(col + kTrellisSide, piece.end);
    for (int row = 0; row < piece.last - piece.first; ++row) {
      std::copy_n(buffer + row * kTrellisSide + (from - col), until - from,
                  out + row * piece.stride + (from - piece.begin));
    }
  }
}

void DecodeStrip(const TrellisView& v, const TrellisPiece& piece, float* out) {
  switch (v.bits) {
    case 2:
      return DecodePiece<2>(v, piece, out);
    case 3:
      return DecodePiece<3>(v, piece, out);
    default:
      return DecodePiece<4>(v, piece, out);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(DecodeStrip);

std::int64_t trellis_blocks(const PackedView& w) { return (w.cols + w.trellis.block - 1) / w.trellis.block; }

}  // namespace

std::int64_t trellis_strip_scales_size(const PackedView& w) { return trellis_blocks(w) * kTrellisSide; }

void trellis_strip_scales(const PackedView& w, std::int64_t row, float* out) {
  const TrellisView& v = w.trellis;
  const std::int64_t blocks = trellis_blocks(w);
  const std::int64_t rows = std::min<std::int64_t>(kTrellisSide, w.rows - row);
  if (rows < kTrellisSide) std::fill_n(out, trellis_strip_scales_size(w), 0.0F);
  const std::int64_t end = (row + rows) * blocks;
  std::int64_t index = row * blocks;
  std::int64_t i = 0;
  std::int64_t b = 0;
  while (index < end) {
    // As many as share a row and a second-level scale.
    const std::int64_t group = index / kTrellisBlocks2;
    const std::int64_t count = std::min({blocks - b, (group + 1) * kTrellisBlocks2 - index, end - index});
    float scale2;
    std::memcpy(&scale2, static_cast<const std::uint8_t*>(v.scales2) + 4 * group, sizeof scale2);
    const float step = scale2 / 255.0F;
    const std::uint8_t* const from = v.scales + index;
    float* const to = out + b * kTrellisSide + i;
    for (std::int64_t k = 0; k < count; ++k) {
      const float product = static_cast<float>(from[k]) * step;
      to[k * kTrellisSide] = v.offset + product;
    }
    index += count;
    b += count;
    if (b == blocks) {
      b = 0;
      ++i;
    }
  }
}

void trellis_decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  const std::int64_t strip_bytes = (w.cols + kTrellisSide - 1) / kTrellisSide * 32 * w.trellis.bits;
  std::vector<float> scales(static_cast<std::size_t>(trellis_strip_scales_size(w)));
  std::int64_t strip = -1;
  while (count > 0) {
    const std::int64_t row = begin / w.cols;
    const std::int64_t col = begin % w.cols;
    if (row / kTrellisSide != strip) {
      strip = row / kTrellisSide;
      trellis_strip_scales(w, strip * kTrellisSide, scales.data());
    }
    const auto first = static_cast<int>(row % kTrellisSide);
    std::int64_t rows = 1;
    std::int64_t cols = std::min(count, w.cols - col);
    if (col == 0 && count >= w.cols) rows = std::min<std::int64_t>(count / w.cols, kTrellisSide - first);
    const TrellisPiece piece{.strip = w.trellis.codes + strip * strip_bytes,
                             .scales = scales.data(),
                             .first = first,
                             .last = first + static_cast<int>(rows),
                             .begin = col,
                             .end = col + cols,
                             .stride = w.cols};
    HWY_DYNAMIC_DISPATCH(DecodeStrip)(w.trellis, piece, out);
    begin += rows * cols;
    out += rows * cols;
    count -= rows * cols;
  }
}

void trellis_decode(ThreadPool& pool, const PackedView& w, float* out) {
  const std::int64_t strips = (w.rows + kTrellisSide - 1) / kTrellisSide;
  const std::int64_t grain = std::max<std::int64_t>(1, 4096 / w.cols);
  parallel_for(pool, strips, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * kTrellisSide;
    const std::int64_t last = std::min(w.rows, end * kTrellisSide);
    trellis_decode(w, first * w.cols, (last - first) * w.cols, out + first * w.cols);
  });
}

}  // namespace lq::backends
#endif
