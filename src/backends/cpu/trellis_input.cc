#include "backends/cpu/trellis_input.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/transformer_gemv.h"

namespace lq::backends {
namespace {

constexpr std::int64_t kTileBytes = 4 * kTrellisSide;

struct InputSizes {
  std::int64_t tiles, blocks, vectors;
  std::int64_t x, centre, step;  // floats that each part takes: multiples of 8
};

InputSizes input_sizes(const PackedView& w, std::int64_t count) {
  InputSizes s{};
  s.tiles = (w.cols + kTrellisSide - 1) / kTrellisSide;
  s.blocks = (w.cols + w.trellis.block - 1) / w.trellis.block;
  s.vectors = count == 1 ? 1 : kGemvVectors;
  s.x = s.vectors * s.tiles * kTileBytes / 4;  // words take half of it
  s.centre = (s.vectors * s.blocks + 7) / 8 * 8;
  s.step = s.centre;
  return s;
}

// One block of one vector.
void round_block(const float* x, std::int64_t count, std::int64_t padded, float levels, std::int16_t* to,
                 std::int32_t* centre, float* step) {
  float largest = 0.0F;
  float sum = 0.0F;
  for (std::int64_t k = 0; k < count; ++k) {
    largest = std::max(largest, std::abs(x[k]));
    sum += x[k] * 0.0F;  // NaN where an element is not finite
  }
  std::fill_n(to, padded, std::int16_t{0});
  *centre = 0;
  *step = sum == 0.0F ? largest / levels : std::numeric_limits<float>::quiet_NaN();
  if (!(largest > 0.0F) || sum != 0.0F) return;
  const float scale = levels / largest;
  if (!std::isfinite(scale)) return;  // so small that products with it vanish
  for (std::int64_t k = 0; k < count; ++k) {
    to[k] = static_cast<std::int16_t>(std::nearbyint(x[k] * scale));
    *centre -= kTrellisCentre * to[k];
  }
}

}  // namespace

std::int64_t trellis_input_scratch(const PackedView& w, std::int64_t count) {
  const InputSizes s = input_sizes(w, count);
  return s.x + s.centre + s.step;
}

TrellisInput trellis_round_input(const PackedView& w, const float* x, std::int64_t count,
                                 TrellisInputForm form, float* scratch) {
  const InputSizes s = input_sizes(w, count);
  const bool spread = form == TrellisInputForm::kBytes;
  auto* const words = reinterpret_cast<std::int16_t*>(scratch);
  auto* const bytes = reinterpret_cast<std::int8_t*>(scratch);
  auto* const centre = reinterpret_cast<std::int32_t*>(scratch + s.x);
  float* const step = scratch + s.x + s.centre;
  const std::int64_t block = w.trellis.block;
  std::int16_t rounded[kTrellisMaxBlock];
  for (std::int64_t j = 0; j < s.vectors; ++j) {
    for (std::int64_t b = 0; b < s.blocks; ++b) {
      const std::int64_t begin = b * block;
      const std::int64_t end = j < count ? std::min(w.cols, begin + block) : begin;
      const std::int64_t padded = std::min(s.tiles * kTrellisSide, begin + block) - begin;
      const std::int64_t at = j * s.tiles * kTrellisSide + begin;
      std::int16_t* const to = spread ? rounded : words + at;
      round_block(x + j * w.cols + begin, end - begin, padded, spread ? kTrellisByteLevels : kTrellisLevels,
                  to, centre + j * s.blocks + b, step + j * s.blocks + b);
      for (std::int64_t k = 0; spread && k < padded; ++k)
        std::fill_n(bytes + 4 * (at + k), 4, static_cast<std::int8_t>(to[k]));
    }
  }
  return {spread ? nullptr : words,    spread ? bytes : nullptr, centre, step, s.tiles, s.blocks,
          static_cast<int>(s.vectors), static_cast<int>(count)};
}

}  // namespace lq::backends
