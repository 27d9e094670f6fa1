// What one transformer block computes, as data. A family fills it from config.json; TransformerBlock computes
// it, and model_check.h refuses by name the values that it does not compute yet.
#pragma once

#include <cstdint>

namespace lq {

enum class NormKind {
  kRms,         // w * x / rms(x)
  kRmsOnePlus,  // (1 + w) * x / rms(x), as Gemma stores its weights
  kLayer,       // w * (x - mean) / deviation + b
};

enum class NormPlace {
  kPre,       // x + f(norm(x))
  kPost,      // norm(x + f(x))
  kSandwich,  // x + norm(f(norm(x)))
};

// Normalization of queries and keys before rotation.
enum class QkNorm {
  kNone,
  kPerHead,     // over head_dim, one weight for all heads (Qwen3)
  kWholeWidth,  // over all heads together (OLMo 2)
};

enum class RopeLayout {
  kHalves,       // dimension i turns with i + dims / 2
  kInterleaved,  // dimension 2 i turns with 2 i + 1
};

enum class Activation { kSilu, kGeluTanh, kGelu };

struct NormSpec {
  NormKind kind = NormKind::kRms;
  float eps = 1e-6F;  // inside the root
};

struct AttentionSpec {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // divides heads
  std::int64_t head_dim = 0;  // heads * head_dim need not be the hidden width
  QkNorm qk_norm = QkNorm::kNone;
  bool qkv_bias = false;
  bool output_bias = false;
  bool fused_qkv = false;   // one projection holds q, k and v
  float scale = 0.0F;       // on the scores; 0: 1 / sqrt(head_dim)
  float soft_cap = 0.0F;    // scores become cap * tanh(score / cap); 0: not
  std::int64_t window = 0;  // a token sees itself and window - 1 before it; 0: all
  bool sinks = false;       // a learned logit a head takes part in the softmax
  bool causal = true;       // false: every token sees the whole sequence
  bool rope = true;         // false: a layer without positions
  RopeLayout rope_layout = RopeLayout::kHalves;
  double rope_share = 1.0;  // of the head's dimensions, from its front
};

struct MlpSpec {
  bool gated = true;  // down(act(gate x) * (up x)); else down(act(up x))
  Activation activation = Activation::kSilu;
  std::int64_t inner = 0;  // outputs of gate and up
  bool bias = false;
  bool fused_gate_up = false;     // one projection holds both
  std::int64_t experts = 0;       // 0: one feed-forward part for all tokens
  std::int64_t experts_used = 0;  // by each token
};

struct BlockSpec {
  NormSpec norm;
  NormPlace place = NormPlace::kPre;
  bool parallel = false;  // attention and feed-forward part read the same input
  AttentionSpec attention;
  MlpSpec mlp;
  float residual_multiplier = 1.0F;  // on what a branch adds
};

}  // namespace lq
