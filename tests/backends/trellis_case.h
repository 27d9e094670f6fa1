// A matrix in a trellis code of any bytes, with what it must decode to.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "backends/packed_view.h"
#include "base/rng.h"
#include "quant/trellis/trellis_reference.h"

namespace lq::backends {

struct TrellisCase {
  TrellisCase(int bits, int state_bits, int block, std::int64_t rows, std::int64_t cols) {
    const auto whole = [](std::int64_t count, std::int64_t each) { return (count + each - 1) / each; };
    const std::int64_t blocks = rows * whole(cols, block);
    codes = bytes(whole(rows, kTrellisSide) * whole(cols, kTrellisSide) * 32 * bits, 1);
    scales = bytes(blocks, 2);
    scales2.resize(static_cast<std::size_t>(4 * whole(blocks, kTrellisBlocks2) + 1));
    for (std::int64_t g = 0; g < whole(blocks, kTrellisBlocks2); ++g) {
      const float value = 0.01F * static_cast<float>(g + 1);
      std::memcpy(scales2.data() + 1 + 4 * g, &value, 4);  // at an odd address
    }
    view = {.layout = PackedLayout::kTrellis, .rows = rows, .cols = cols};
    view.trellis = {codes.data(), scales.data(), scales2.data() + 1, 0.003F, bits, state_bits, block};
    values.resize(static_cast<std::size_t>(rows * cols));
    trellis_reference_decode(view.trellis, cols, 0, rows * cols, values.data());
  }
  TrellisCase(const TrellisCase&) = delete;  // the view points into it
  TrellisCase& operator=(const TrellisCase&) = delete;

  static std::vector<std::uint8_t> bytes(std::int64_t count, std::uint64_t stream) {
    const Rng rng(7, stream);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(rng.below(i, 256));
    return out;
  }

  std::vector<std::uint8_t> codes, scales, scales2;
  std::vector<float> values;
  PackedView view;
};

}  // namespace lq::backends
