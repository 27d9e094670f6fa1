#include "models/model_spec.h"

#include <limits>

#include "base/error.h"

namespace lq {

std::int64_t ModelSpec::longest_sequence() const {
  return rope.type == RopeType::kDynamic ? std::numeric_limits<std::int64_t>::max() : max_positions;
}

std::vector<ModelTensor> model_tensors(const ModelSpec& spec, const TensorNames& names) {
  std::vector<ModelTensor> all;
  const auto weight = [&](Role role, std::int64_t layer, Shape shape) {
    all.push_back({names.module(role, layer) + ".weight", role, layer, false, std::move(shape)});
  };
  const auto linear = [&](Role role, std::int64_t layer, std::int64_t out, std::int64_t in, bool bias) {
    weight(role, layer, {out, in});
    if (bias) all.push_back({names.module(role, layer) + ".bias", role, layer, true, {out}});
  };
  weight(Role::kEmbedding, -1, {spec.vocab, spec.hidden});
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) {
    const BlockSpec& b = spec.blocks[static_cast<std::size_t>(layer)];
    const AttentionSpec& a = b.attention;
    const std::int64_t width = a.heads * a.head_dim;
    const std::int64_t kv = a.kv_heads * a.head_dim;
    weight(Role::kAttentionNorm, layer, {spec.hidden});
    linear(Role::kQ, layer, width, spec.hidden, a.qkv_bias);
    linear(Role::kK, layer, kv, spec.hidden, a.qkv_bias);
    linear(Role::kV, layer, kv, spec.hidden, a.qkv_bias);
    linear(Role::kO, layer, spec.hidden, width, a.output_bias);
    if (a.qk_norm == QkNorm::kPerHead) {
      weight(Role::kQNorm, layer, {a.head_dim});
      weight(Role::kKNorm, layer, {a.head_dim});
    }
    weight(Role::kMlpNorm, layer, {spec.hidden});
    linear(Role::kGate, layer, b.mlp.inner, spec.hidden, b.mlp.bias);
    linear(Role::kUp, layer, b.mlp.inner, spec.hidden, b.mlp.bias);
    linear(Role::kDown, layer, spec.hidden, b.mlp.inner, b.mlp.bias);
  }
  weight(Role::kFinalNorm, -1, {spec.hidden});
  if (!spec.tied_embeddings) weight(Role::kHead, -1, {spec.vocab, spec.hidden});
  return all;
}

void check_sequence_length(const ModelSpec& spec, std::int64_t tokens, std::string_view what) {
  LQ_CHECK(tokens <= spec.longest_sequence(), kInvalidArgument,
           "{}: {} tokens exceed the model's context of {} (max_position_embeddings)", what, tokens,
           spec.max_positions);
}

}  // namespace lq
