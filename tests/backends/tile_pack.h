// backends/cuda/tiles.cu's packing on the processor: every thread's piece and scale.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "backends/cuda/tile_element.h"

namespace lq::backends {

// A matrix in tiles. The view points into the vectors.
struct TilePack {
  explicit TilePack(const NfView& from)
      : codes(static_cast<std::size_t>(cuda::tile_code_bytes(from)) + 16),
        scales(static_cast<std::size_t>(cuda::tile_scale_bytes(from))),
        view(from) {
    const cuda::TileShape s = cuda::tile_shape(from);
    for (std::int64_t i = 0; i < cuda::tile_code_bytes(from) / 16; ++i) {
      std::uint32_t words[cuda::kPieceWords];
      cuda::pack_tile_piece(from, s, i, words);
      std::memcpy(codes.data() + i * 16, words, 16);
    }
    for (std::size_t i = 0; i < scales.size(); ++i)
      scales[i] = cuda::pack_tile_scale(from, s, static_cast<std::int64_t>(i));
    view.codes = codes.data();
    view.scales = scales.data();
  }
  TilePack(const TilePack&) = delete;
  TilePack& operator=(const TilePack&) = delete;

  std::vector<std::uint8_t> codes, scales;
  NfView view;
};

}  // namespace lq::backends
