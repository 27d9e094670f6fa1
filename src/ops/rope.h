// Rotary position embedding (Su et al. 2021), the halves convention of Hugging Face: element i of a head
// pairs with i + half, turned by the angle position * inv_freq[i]; half is head_dim / 2, or less where only
// the first dimensions of a head turn.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// Cosines and sines per token, both [tokens, half], times the scaling's attention factor.
struct RopeTable {
  std::vector<float> cos;
  std::vector<float> sin;
  std::int64_t half = 0;
  // Both once more, [2, tokens, half], where the context's device is another than the processor: there, or
  // those of few tokens on the host, from where each rotation takes them.
  std::shared_ptr<const Tensor> on_device = nullptr;
  std::vector<float> both = {};
};

// positions: [tokens]; inv_freq: [half]. Angles are rounded to f32 before cos and sin, as in
// transformers.
RopeTable make_rope_table(Context& ctx, std::span<const std::int32_t> positions,
                          std::span<const float> inv_freq, float attention_factor);

// x: [tokens, heads * head_dim], rotated in place. Throws Error(kMismatch) where a head has fewer dimensions
// than the table turns.
void rope_forward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix x);
// dx: in place, by the transpose.
void rope_backward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix dx);

}  // namespace lq
