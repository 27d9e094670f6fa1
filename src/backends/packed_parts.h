// The bytes that a packed view points to: what has to go along when a weight moves to another device.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/packed_view.h"
#include "base/error.h"

namespace lq::backends {

// Calls move(address, bytes) for each part of w's layout, and has the view point to what it returns.
template <typename Move>
void move_parts(PackedView& w, const Move& move) {
  const auto whole = [](std::int64_t count, std::int64_t each) { return (count + each - 1) / each; };
  const std::int64_t n = w.rows * w.cols;
  switch (w.layout) {
    case PackedLayout::kDense:
      w.dense.data = move(w.dense.data, n * (w.dense.type == DenseType::kF32 ? 4 : 2));
      break;
    case PackedLayout::kCodebook: {
      NfView& v = w.codebook;
      const std::int64_t blocks = whole(n, v.format.block);
      v.codes = static_cast<const std::uint8_t*>(move(v.codes, whole(n, kNfGroup) * 8 * v.format.bits));
      v.scales =
          static_cast<const std::uint8_t*>(move(v.scales, whole(blocks, kNfGroup) * 8 * v.format.scale_bits));
      v.scales2 =
          move(v.scales2, whole(blocks, v.format.block2) * (v.format.scale2 == ScaleDType::kFp32 ? 4 : 2));
      // 64 bytes may be read of any codebook.
      const std::int64_t values = std::max<std::int64_t>(16, std::int64_t{1} << v.format.bits);
      v.codebook = static_cast<const float*>(move(v.codebook, values * 4));
      break;
    }
    case PackedLayout::kIntRow:
      w.int_row.codes =
          static_cast<const std::uint8_t*>(move(w.int_row.codes, w.rows * whole(w.cols * w.int_row.bits, 8)));
      w.int_row.scales = move(w.int_row.scales, w.rows * 4);
      break;
    case PackedLayout::kTrellis: {
      TrellisView& v = w.trellis;
      const std::int64_t tiles = whole(w.rows, kTrellisSide) * whole(w.cols, kTrellisSide);
      const std::int64_t scales = w.rows * whole(w.cols, v.block);
      v.codes = static_cast<const std::uint8_t*>(move(v.codes, tiles * 32 * v.bits));
      v.scales = static_cast<const std::uint8_t*>(move(v.scales, scales));
      v.scales2 = move(v.scales2, whole(scales, kTrellisBlocks2) * 4);
      break;
    }
    case PackedLayout::kStored:
      fail(
          ErrorCode::kUnsupported,
          "weights in ggml's types are decoded on the processor only; other devices take the model quantized "
          "(lqlora quantize) or dense");
    case PackedLayout::kTiles:
      fail(ErrorCode::kInternal, "a weight in tiles is made on its device and stays there");
  }
}

}  // namespace lq::backends
