#include "models/model_spec.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace lq {

bool ModelSpec::uses(RopeUse use) const {
  return std::ranges::any_of(blocks, [use](const BlockSpec& b) { return b.attention.rope == use; });
}

std::int64_t ModelSpec::longest_sequence() const {
  return rope.type == RopeType::kDynamic ? std::numeric_limits<std::int64_t>::max() : max_positions;
}

bool ModelSpec::turns_by_length(std::int64_t longest) const {
  return (rope.type == RopeType::kDynamic && longest > rope.max_positions) ||
         (rope.type == RopeType::kLongRope && longest > rope.original_positions);
}

std::vector<ModelTensor> model_tensors(const ModelSpec& spec, const TensorNames& names) {
  std::vector<ModelTensor> all;
  const auto weight = [&](Role role, std::int64_t layer, Shape shape) {
    all.push_back({names.module(role, layer) + ".weight", role, layer, -1, false, std::move(shape)});
  };
  const auto linear = [&](Role role, std::int64_t layer, std::int64_t out, std::int64_t in, bool bias) {
    weight(role, layer, {out, in});
    if (bias) all.push_back({names.module(role, layer) + ".bias", role, layer, -1, true, {out}});
  };
  const auto norm = [&](Role role, std::int64_t layer, NormKind kind, std::int64_t width) {
    weight(role, layer, {width});
    if (kind == NormKind::kLayer)
      all.push_back({names.module(role, layer) + ".bias", role, layer, -1, true, {width}});
  };
  weight(Role::kEmbedding, -1, {spec.vocab, spec.hidden});
  if (spec.learned_positions > 0) weight(Role::kPositions, -1, {spec.learned_positions, spec.hidden});
  if (spec.token_types > 0) weight(Role::kTypes, -1, {spec.token_types, spec.hidden});
  if (spec.embedding_norm) norm(Role::kEmbeddingNorm, -1, spec.embedding_norm->kind, spec.hidden);
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) {
    const BlockSpec& b = spec.blocks[static_cast<std::size_t>(layer)];
    const AttentionSpec& a = b.attention;
    const std::int64_t width = a.heads * a.head_dim;
    const std::int64_t kv = a.kv_heads * a.head_dim;
    if (norm_before(b.place)) norm(Role::kAttentionNorm, layer, b.norm.kind, spec.hidden);
    if (a.fused_qkv) {
      linear(Role::kQkv, layer, width + 2 * kv, spec.hidden, a.qkv_bias);
    } else {
      linear(Role::kQ, layer, width, spec.hidden, a.qkv_bias);
      linear(Role::kK, layer, kv, spec.hidden, a.qkv_bias);
      linear(Role::kV, layer, kv, spec.hidden, a.qkv_bias);
    }
    linear(Role::kO, layer, spec.hidden, width, a.output_bias);
    if (a.qk_norm != QkNorm::kNone) {
      const bool head = a.qk_norm == QkNorm::kPerHead;
      norm(Role::kQNorm, layer, b.norm.kind, head ? a.head_dim : width);
      norm(Role::kKNorm, layer, b.norm.kind, head ? a.head_dim : kv);
    }
    if (a.sinks)
      all.push_back({names.module(Role::kSinks, layer), Role::kSinks, layer, -1, false, {a.heads}});
    if (norm_after(b.place)) norm(Role::kAttentionNormAfter, layer, b.norm.kind, spec.hidden);
    if (norm_before(b.place)) norm(Role::kMlpNorm, layer, b.norm.kind, spec.hidden);
    if (b.mlp.experts > 0) {
      linear(Role::kRouter, layer, b.mlp.experts, spec.hidden, b.mlp.router_bias);
      for (std::int64_t e = 0; e < b.mlp.experts; ++e) {
        const auto expert = [&](Role role, std::int64_t out, std::int64_t in) {
          all.push_back({names.module(role, layer, e) + ".weight", role, layer, e, false, {out, in}});
          if (b.mlp.bias)
            all.push_back({names.module(role, layer, e) + ".bias", role, layer, e, true, {out}});
        };
        expert(Role::kExpertGate, b.mlp.inner, spec.hidden);
        expert(Role::kExpertUp, b.mlp.inner, spec.hidden);
        expert(Role::kExpertDown, spec.hidden, b.mlp.inner);
      }
    } else {
      if (b.mlp.fused_gate_up) {
        linear(Role::kGateUp, layer, 2 * b.mlp.inner, spec.hidden, b.mlp.bias);
      } else {
        if (b.mlp.gated) linear(Role::kGate, layer, b.mlp.inner, spec.hidden, b.mlp.bias);
        linear(Role::kUp, layer, b.mlp.inner, spec.hidden, b.mlp.bias);
      }
      linear(Role::kDown, layer, spec.hidden, b.mlp.inner, b.mlp.bias);
    }
    if (norm_after(b.place)) norm(Role::kMlpNormAfter, layer, b.norm.kind, spec.hidden);
  }
  if (spec.labels) {
    linear(Role::kLabelDense, -1, spec.hidden, spec.hidden, true);
    linear(Role::kLabelOutput, -1, spec.labels->outputs, spec.hidden, true);
  }
  if (!spec.has_head) return all;
  if (spec.head_dense) linear(Role::kHeadDense, -1, spec.hidden, spec.hidden, true);
  if (spec.has_final_norm) norm(Role::kFinalNorm, -1, spec.final_norm.kind, spec.hidden);
  if (!spec.tied_embeddings) weight(Role::kHead, -1, {spec.vocab, spec.hidden});
  if (spec.head_bias)
    all.push_back({names.module(Role::kHeadBias) + ".bias", Role::kHeadBias, -1, -1, true, {spec.vocab}});
  return all;
}

void check_sequence_length(const ModelSpec& spec, std::int64_t tokens, std::string_view what) {
  LQ_CHECK(tokens <= spec.longest_sequence(), kInvalidArgument,
           "{}: {} tokens exceed the model's context of {} (max_position_embeddings)", what, tokens,
           spec.max_positions);
}

}  // namespace lq
