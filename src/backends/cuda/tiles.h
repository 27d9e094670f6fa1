// Codes packed anew into tiles for decoding (tile_element.h). Builds without CUDA have the same symbols
// (backends/no_cuda): nothing goes into tiles there.
#pragma once

#include <cstdint>

#include "backends/nf_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

struct TileBytes {
  std::int64_t codes = 0, scales = 0;
};
// What the codes and first-level scales take in tiles.
TileBytes tile_bytes(const NfView& v);

// Whether products of few rows gain by tiles: codes of 2, 3, 4 and 8 bits, blocks of 64 columns in whole
// rows, at most an eighth more memory than in the file's layout, and a card with products in half precision.
bool gains_by_tiles(const DeviceQueue& queue, const NfView& v);

// codes = , scales = those of `from` in tiles; apart from it. All memory of the queue's device; queued.
// REQUIRES: gains_by_tiles(queue, from), tile_bytes(from) bytes, from multiples of 16 bytes on.
void pack_tiles(DeviceQueue& queue, const NfView& from, std::uint8_t* codes, std::uint8_t* scales);

}  // namespace lq::backends::cuda
