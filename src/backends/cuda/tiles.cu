#include "backends/cuda/tiles.h"

#include "backends/cuda/launch.h"
#include "backends/cuda/tile_element.h"

namespace lq::backends::cuda {
namespace {

struct PackPiece {
  NfView from;
  TileShape shape;
  std::uint8_t* codes;
  __device__ void operator()(std::int64_t i) const {
    std::uint32_t words[kPieceWords];
    pack_tile_piece(from, shape, i, words);
    *reinterpret_cast<uint4*>(codes + i * 16) = make_uint4(words[0], words[1], words[2], words[3]);
  }
};

struct PackScale {
  NfView from;
  TileShape shape;
  std::uint8_t* scales;
  __device__ void operator()(std::int64_t i) const { scales[i] = pack_tile_scale(from, shape, i); }
};

}  // namespace

TileBytes tile_bytes(const NfView& v) { return {tile_code_bytes(v), tile_scale_bytes(v)}; }

bool gains_by_tiles(const DeviceQueue& queue, const NfView& v) {
  const int bits = v.format.bits;
  if (queue.capability < 80 || v.format.block != kNfGroup || v.rows == 0 || v.cols == 0 ||
      v.cols % kNfGroup != 0 || (bits != 2 && bits != 3 && bits != 4 && bits != 8))
    return false;
  const TileBytes tiles = tile_bytes(v);
  const std::int64_t blocks = v.rows * v.cols / kNfGroup;
  const std::int64_t file = blocks * 8 * bits + (blocks * v.format.scale_bits + 7) / 8;
  return tiles.codes + tiles.scales <= file + file / 8;
}

void pack_tiles(DeviceQueue& queue, const NfView& from, std::uint8_t* codes, std::uint8_t* scales) {
  const TileShape shape = tile_shape(from);
  const TileBytes bytes = tile_bytes(from);
  for_each(queue, "packing a weight into tiles", bytes.codes / 16, PackPiece{from, shape, codes});
  for_each(queue, "packing a weight into tiles", bytes.scales, PackScale{from, shape, scales});
}

}  // namespace lq::backends::cuda
