// What one transformer block computes, as data. A family fills it from config.json; TransformerBlock computes
// it, and model_check.h refuses by name the values that it does not compute yet.
//
// How a family uses it. Set what differs from the defaults below (a Llama block), and give the roles that the
// spec then asks for a name (models/role.h, TensorNames); model_tensors() lists them:
//   norms    place kPre: kAttentionNorm, kMlpNorm;  kPost, kBranch: kAttentionNormAfter, kMlpNormAfter;
//            kSandwich: all four. kind kLayer: each has a ".bias" too.
//   attention  kQ, kK, kV, kO, or kQkv in place of the first three (fused_qkv); biases by qkv_bias and
//            output_bias; kQNorm, kKNorm where qk_norm says so; kSinks. causal = false: whole sequences
//            (encoders).
//   mlp      gated: kGate, kUp, kDown, or kGateUp in place of the first two (fused_gate_up); else kUp, kDown.
//            With experts: kRouter, kExpertGate, kExpertUp, kExpertDown (gated; with biases by bias and
//            router_bias).
//   model    ModelSpec: kPositions where learned_positions > 0, multipliers, caps, two rotations.
// A post-norm encoder is {.norm = {kLayer, eps}, .place = kPost}, causal = false, rope = kNone, biases, mlp
// not gated with kGelu.
#pragma once

#include <cstdint>
#include <optional>

#include "nn/norm.h"
#include "nn/sequence_plan.h"
#include "ops/activation.h"
#include "ops/clamped_gate.h"

namespace lq {

enum class NormPlace {
  kPre,       // x + f(norm(x))
  kPost,      // norm(x + f(x)), as BERT
  kSandwich,  // x + norm(f(norm(x))), as Gemma 2
  kBranch,    // x + norm(f(x)), as OLMo 2
};

// Normalization of queries and keys before rotation, of the block's NormKind.
enum class QkNorm {
  kNone,
  kPerHead,     // over head_dim, one weight for all heads (Qwen3)
  kWholeWidth,  // over all heads together (OLMo 2)
};

struct NormSpec {
  NormKind kind = NormKind::kRms;
  float eps = 1e-6F;  // inside the root

  bool operator==(const NormSpec&) const = default;
};

struct AttentionSpec {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // divides heads
  std::int64_t head_dim = 0;  // heads * head_dim need not be the hidden width
  QkNorm qk_norm = QkNorm::kNone;
  bool qkv_bias = false;
  bool output_bias = false;
  bool fused_qkv = false;           // one projection holds q, k and v, in this order
  float scale = 0.0F;               // on the scores; 0: 1 / sqrt(head_dim)
  float soft_cap = 0.0F;            // scores become cap * tanh(score / cap); 0: not
  std::int64_t window = 0;          // a token sees itself and window - 1 before it; 0: all
  bool sinks = false;               // a learned logit a head takes part in the softmax
  bool causal = true;               // false: every token sees the whole sequence
  RopeUse rope = RopeUse::kGlobal;  // by ModelSpec::rope, ModelSpec::local_rope, or without rotation

  bool operator==(const AttentionSpec&) const = default;
};

struct MlpSpec {
  bool gated = true;  // down(act(gate x) * (up x)); else down(act(up x))
  Activation activation = Activation::kSilu;
  std::optional<GateClamp> clamp = {};  // in place of the activation, of a gated part
  std::int64_t inner = 0;               // outputs of gate and up
  bool bias = false;
  bool fused_gate_up = false;      // one projection holds both, the gate first
  std::int64_t experts = 0;        // 0: one feed-forward part for all tokens
  std::int64_t experts_used = 0;   // by each token, 1 to experts
  bool normalized_routing = true;  // the weights of the chosen sum to 1
  bool router_bias = false;

  bool operator==(const MlpSpec&) const = default;
};

struct BlockSpec {
  NormSpec norm;
  NormPlace place = NormPlace::kPre;
  AttentionSpec attention;
  MlpSpec mlp;
  float residual_multiplier = 1.0F;  // on what a branch adds

  bool operator==(const BlockSpec&) const = default;
};

inline bool norm_before(NormPlace place) { return place == NormPlace::kPre || place == NormPlace::kSandwich; }
inline bool norm_after(NormPlace place) { return place != NormPlace::kPre; }

}  // namespace lq
