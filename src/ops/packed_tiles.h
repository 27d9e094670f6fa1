// Packed weights in the layout that decoding on a CUDA device reads fastest (backends/cuda/tile_element.h).
#pragma once

#include <cstdint>

#include "ops/packed_on_device.h"
#include "tensor/context.h"

namespace lq {

// Bytes that a weight takes more in tiles than in the file's layout, for one that gains by them; negative
// never. Else, or where the context's device has no tiles, 0. The weight may lie anywhere.
std::int64_t tile_growth(const Context& ctx, const backends::PackedView& w);

// Packs a weight on the context's device anew where products of few rows gain by it; its bytes in the file's
// layout are given back. Decoding and products give the bits, and keep the bounds, that they had; fast
// products of few rows are faster. Does nothing on the processor.
void to_tiles(Context& ctx, PackedOnDevice& w);

}  // namespace lq
