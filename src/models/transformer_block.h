// One transformer block:  u = x + attention(norm1(x));  y = u + mlp(norm2(u)).
#pragma once

#include "models/block_spec.h"
#include "models/module.h"
#include "nn/gated_mlp.h"
#include "nn/kv_cache.h"
#include "nn/parameter.h"
#include "nn/self_attention.h"
#include "nn/sequence_plan.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from a block's forward for its backward; norms and the gate's product are made again.
class BlockTape {
 public:
  struct Shape {
    std::int64_t tokens, hidden, attention, kv, heads, inner;
    bool qk_norm;
    bool operator==(const Shape&) const = default;
  };
  static std::int64_t floats(const Shape& shape);
  // Makes room; keeps the memory it has where that suffices.
  void resize(const Shape& shape);
  void clear() { storage_ = Tensor(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(storage_.bytes()); }

  AttentionTape attention;
  Matrix middle;  // u: [tokens, hidden]
  MlpTape mlp;

 private:
  Tensor storage_;
};

class TransformerBlock {
 public:
  // layer: its number in the model. REQUIRES: a spec that refuse_uncomputed (model_check.h) lets pass, and
  // parts of its shapes. The norms outlive this.
  TransformerBlock(std::int64_t layer, const BlockSpec& spec, Parameter& norm1, Parameter& norm2,
                   SelfAttention attention, GatedMlp mlp)
      : layer_(layer),
        eps_(spec.norm.eps),
        norm1_(norm1),
        norm2_(norm2),
        attention_(std::move(attention)),
        mlp_(std::move(mlp)) {}

  SelfAttention& attention() { return attention_; }
  GatedMlp& mlp() { return mlp_; }
  // Its linears in the order in which they run: q, k, v, o, gate, up, down.
  std::vector<Module> modules();
  BlockTape::Shape tape_shape(std::int64_t tokens) const;

  // y = block(x), the tape filled (made to fit by resize). x, y: [tokens, hidden]; y may be x.
  void forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape,
               Matrix y) const;
  // Only fills the tape: all that backward needs, without the last projection.
  void fill_tape(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape) const;
  // x = block(x) for the next tokens of the cached sequence (see SelfAttention::forward_cached).
  void forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, KvCache& cache,
                      std::int64_t layer, Matrix x) const;
  // In: dy. Out: dx, in its place, or without dx_wanted nothing of use. Gradients of what learns += . x as in
  // forward; the tape is used up.
  void backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape,
                Matrix dy_to_dx, bool dx_wanted = true);

 private:
  std::int64_t layer_;
  float eps_;
  Parameter& norm1_;
  Parameter& norm2_;
  SelfAttention attention_;
  GatedMlp mlp_;
};

}  // namespace lq
