// One transformer block:  u = x + attention(norm1(x));  y = u + mlp(norm2(u)), or with its norms in other
// places (NormPlace).
#pragma once

#include <utility>
#include <variant>

#include "models/block_spec.h"
#include "models/module.h"
#include "nn/experts.h"
#include "nn/kv_cache.h"
#include "nn/mlp.h"
#include "nn/norm.h"
#include "nn/self_attention.h"
#include "nn/sequence_plan.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from a block's forward for its backward; norms and the activation's product are made again.
class BlockTape {
 public:
  struct Shape {
    std::int64_t tokens, hidden, attention, kv, heads;
    std::int64_t gate, inner;    // gate: 0 where there is none
    std::int64_t experts, used;  // 0 and 1 where there are none
    bool qk_norm;
    bool branches;  // what the branches give is kept: a norm comes after it
    bool operator==(const Shape&) const = default;
  };
  static std::int64_t floats(const Shape& shape);
  // Makes room on that device; keeps the memory it has where that suffices.
  void resize(Device device, const Shape& shape);
  void clear() { storage_ = Tensor(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(storage_.bytes()); }

  AttentionTape attention;
  Matrix middle;        // u: [tokens, hidden]
  MlpTape mlp;          // of a block without experts
  ExpertsTape experts;  // of one with them
  // What the norms after the branches read, [tokens, hidden]; empty where there are none.
  Matrix attention_branch, mlp_branch;

 private:
  Tensor storage_;
};

// Of one branch; absent where the block's NormPlace has none.
struct BranchNorms {
  Norm before, after;
};

// One feed-forward part for all tokens, or experts.
using FeedForward = std::variant<Mlp, Experts>;

class TransformerBlock {
 public:
  // layer: its number in the model; first_group: Module::input_group of its first input. REQUIRES: a spec
  // that refuse_uncomputed (model_check.h) lets pass, and parts of its shapes.
  TransformerBlock(std::int64_t layer, const BlockSpec& spec, const BranchNorms& attention_norms,
                   const BranchNorms& mlp_norms, SelfAttention attention, FeedForward mlp,
                   std::int64_t first_group)
      : layer_(layer),
        first_group_(first_group),
        place_(spec.place),
        residual_(spec.residual_multiplier),
        attention_norms_(attention_norms),
        mlp_norms_(mlp_norms),
        attention_(std::move(attention)),
        mlp_(std::move(mlp)) {}

  SelfAttention& attention() { return attention_; }
  // Its linears in the order in which they run: q, k, v (or qkv), o, gate, up (or gate_up), down; of experts
  // one after the other. A router is not among them: it stays as it is.
  std::vector<Module> modules();
  // Different inputs that its linears read.
  std::int64_t input_groups() const;
  BlockTape::Shape tape_shape(std::int64_t tokens) const;

  // y = block(x), the tape filled (made to fit by resize). x, y: [tokens, hidden]; y may be x.
  void forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape,
               Matrix y) const;
  // Only fills the tape: all that backward needs.
  void fill_tape(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape) const;
  // x = block(x) for the next tokens of the cached sequences (see SelfAttention::forward_cached).
  void forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, std::span<KvCache* const> caches,
                      std::int64_t layer, Matrix x) const;
  // In: dy. Out: dx, in its place, or without dx_wanted nothing of use. Gradients of what learns += . x as in
  // forward; the tape is used up.
  void backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, BlockTape& tape,
                Matrix dy_to_dx, bool dx_wanted = true);

 private:
  bool keeps_branches() const { return norm_after(place_); }
  void project(Context& ctx, Workspace& ws, ConstMatrix x, BlockTape& tape) const;
  void finish(Context& ctx, Workspace& ws, const BlockTape& tape, Matrix y) const;
  void feed_backward(Context& ctx, Workspace& ws, ConstMatrix x, BlockTape& tape, ConstMatrix dy, Matrix dx);
  // What a branch reads: x, or its norm in `normal`.
  ConstMatrix enter(Context& ctx, Workspace& ws, const Norm& before, ConstMatrix x, Matrix normal) const;
  // Of kPost only: branch = x + branch, which its norm reads.
  void join(Context& ctx, ConstMatrix x, Matrix branch) const;
  // to = what the stream is after the branch. x: before it; to may be branch.
  void leave(Context& ctx, Workspace& ws, const Norm& after, ConstMatrix x, Matrix branch, Matrix to) const;
  // The gradient of what the branch gave, from dy of the stream after it; where the norm sums up both (kPost)
  // dy becomes the gradient of the stream itself. branch: as forward kept it; scratch: room for the result.
  ConstMatrix leave_backward(Context& ctx, Workspace& ws, const Norm& after, ConstMatrix branch, Matrix dy,
                             Matrix scratch) const;

  std::int64_t layer_;
  std::int64_t first_group_;
  NormPlace place_;
  float residual_;
  BranchNorms attention_norms_;
  BranchNorms mlp_norms_;
  SelfAttention attention_;
  FeedForward mlp_;
};

}  // namespace lq
