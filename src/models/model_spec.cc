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

bool ModelSpec::turns_alike(std::int64_t past, std::int64_t now) const {
  if (!turns_by_length(std::max(past, now))) return true;
  return rope.type == RopeType::kLongRope && turns_by_length(std::min(past, now));
}

bool ModelSpec::starts_over(std::int64_t past, std::int64_t now) const {
  return rope.type == RopeType::kLongRope && !turns_alike(past, now);
}

namespace {

// Collects the tensors of a model in the order of model_tensors().
class TensorList {
 public:
  TensorList(const ModelSpec& spec, const TensorNames& names) : spec_(spec), names_(names) {}

  void embeddings() {
    weight(Role::kEmbedding, -1, {spec_.vocab, spec_.hidden});
    if (spec_.learned_positions > 0) weight(Role::kPositions, -1, {spec_.learned_positions, spec_.hidden});
    if (spec_.token_types > 0) weight(Role::kTypes, -1, {spec_.token_types, spec_.hidden});
    if (spec_.embedding_norm) norm(Role::kEmbeddingNorm, -1, spec_.embedding_norm->kind, spec_.hidden);
  }

  void block(std::int64_t layer, const BlockSpec& b) {
    if (norm_before(b.place)) norm(Role::kAttentionNorm, layer, b.norm.kind, spec_.hidden);
    attention(layer, b.attention, b.norm.kind);
    if (norm_after(b.place)) norm(Role::kAttentionNormAfter, layer, b.norm.kind, spec_.hidden);
    if (norm_before(b.place)) norm(Role::kMlpNorm, layer, b.norm.kind, spec_.hidden);
    if (b.mlp.experts > 0) {
      experts(layer, b.mlp);
    } else {
      feed_forward(layer, b.mlp);
    }
    if (norm_after(b.place)) norm(Role::kMlpNormAfter, layer, b.norm.kind, spec_.hidden);
  }

  void heads() {
    if (spec_.labels) {
      linear(Role::kLabelDense, -1, spec_.hidden, spec_.hidden, true);
      linear(Role::kLabelOutput, -1, spec_.labels->outputs, spec_.hidden, true);
    }
    if (!spec_.has_head) return;
    if (spec_.head_dense) linear(Role::kHeadDense, -1, spec_.hidden, spec_.hidden, true);
    if (spec_.has_final_norm) norm(Role::kFinalNorm, -1, spec_.final_norm.kind, spec_.hidden);
    if (!spec_.tied_embeddings) weight(Role::kHead, -1, {spec_.vocab, spec_.hidden});
    if (spec_.head_bias)
      all_.push_back(
          {names_.module(Role::kHeadBias) + ".bias", Role::kHeadBias, -1, -1, true, {spec_.vocab}});
  }

  std::vector<ModelTensor> take() { return std::move(all_); }

 private:
  void weight(Role role, std::int64_t layer, Shape shape) {
    all_.push_back({names_.module(role, layer) + ".weight", role, layer, -1, false, std::move(shape)});
  }
  void linear(Role role, std::int64_t layer, std::int64_t out, std::int64_t in, bool bias) {
    weight(role, layer, {out, in});
    if (bias) all_.push_back({names_.module(role, layer) + ".bias", role, layer, -1, true, {out}});
  }
  void norm(Role role, std::int64_t layer, NormKind kind, std::int64_t width) {
    weight(role, layer, {width});
    if (kind == NormKind::kLayer)
      all_.push_back({names_.module(role, layer) + ".bias", role, layer, -1, true, {width}});
  }

  void attention(std::int64_t layer, const AttentionSpec& a, NormKind kind) {
    const std::int64_t width = a.heads * a.head_dim;
    const std::int64_t kv = a.kv_heads * a.head_dim;
    if (a.fused_qkv) {
      linear(Role::kQkv, layer, width + 2 * kv, spec_.hidden, a.qkv_bias);
    } else {
      linear(Role::kQ, layer, width, spec_.hidden, a.qkv_bias);
      linear(Role::kK, layer, kv, spec_.hidden, a.qkv_bias);
      linear(Role::kV, layer, kv, spec_.hidden, a.qkv_bias);
    }
    linear(Role::kO, layer, spec_.hidden, width, a.output_bias);
    if (a.qk_norm != QkNorm::kNone) {
      const bool head = a.qk_norm == QkNorm::kPerHead;
      norm(Role::kQNorm, layer, kind, head ? a.head_dim : width);
      norm(Role::kKNorm, layer, kind, head ? a.head_dim : kv);
    }
    if (a.sinks)
      all_.push_back({names_.module(Role::kSinks, layer), Role::kSinks, layer, -1, false, {a.heads}});
  }

  void feed_forward(std::int64_t layer, const MlpSpec& mlp) {
    if (mlp.fused_gate_up) {
      linear(Role::kGateUp, layer, 2 * mlp.inner, spec_.hidden, mlp.bias);
    } else {
      if (mlp.gated) linear(Role::kGate, layer, mlp.inner, spec_.hidden, mlp.bias);
      linear(Role::kUp, layer, mlp.inner, spec_.hidden, mlp.bias);
    }
    linear(Role::kDown, layer, spec_.hidden, mlp.inner, mlp.bias);
  }

  void experts(std::int64_t layer, const MlpSpec& mlp) {
    linear(Role::kRouter, layer, mlp.experts, spec_.hidden, mlp.router_bias);
    for (std::int64_t e = 0; e < mlp.experts; ++e) {
      const auto expert = [&](Role role, std::int64_t out, std::int64_t in) {
        all_.push_back({names_.module(role, layer, e) + ".weight", role, layer, e, false, {out, in}});
        if (mlp.bias) all_.push_back({names_.module(role, layer, e) + ".bias", role, layer, e, true, {out}});
      };
      expert(Role::kExpertGate, mlp.inner, spec_.hidden);
      expert(Role::kExpertUp, mlp.inner, spec_.hidden);
      expert(Role::kExpertDown, spec_.hidden, mlp.inner);
    }
  }

  const ModelSpec& spec_;
  const TensorNames& names_;
  std::vector<ModelTensor> all_;
};

}  // namespace

std::vector<ModelTensor> model_tensors(const ModelSpec& spec, const TensorNames& names) {
  TensorList list(spec, names);
  list.embeddings();
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) {
    list.block(layer, spec.blocks[static_cast<std::size_t>(layer)]);
  }
  list.heads();
  return list.take();
}

void check_sequence_length(const ModelSpec& spec, std::int64_t tokens, std::string_view what) {
  LQ_CHECK(tokens <= spec.longest_sequence(), kInvalidArgument,
           "{}: {} tokens exceed the model's context of {} (max_position_embeddings)", what, tokens,
           spec.max_positions);
}

}  // namespace lq
