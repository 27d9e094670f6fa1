// The search for a block's scales: those under which its weighted squared error is least, once all of them
// are rounded to what the block stores.
#pragma once

#include "quant/ggml/block_kind.h"

namespace lq::ggml {

// x, importance: [kind.weights]; importance not negative. search: many candidates and least squares; else the
// range of the block alone. Deterministic.
BlockScales fit_scales(const BlockKind& kind, const float* x, const float* importance, bool search);

// The code nearest to x in sub-block `sub`.
inline int code_of(const BlockKind& kind, const BlockScales& scales, std::size_t sub, float x) {
  const float step = scales.step[sub];
  return kind.nearest(step == 0.0F ? 0.0F : (x + scales.base[sub]) / step);
}
inline float value_of(const BlockKind& kind, const BlockScales& scales, std::size_t sub, int code) {
  return scales.step[sub] * kind.value(code) - scales.base[sub];
}

}  // namespace lq::ggml
