#include "export/gguf_architecture.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

struct GgufKindOf {
  std::string_view model_type;  // of the family
  std::string_view kind;        // general.architecture
  bool permuted;                // q and k have llama.cpp's order of rows
  bool biases;                  // of attention and feed-forward part, where the model has them
};

constexpr std::array kKinds = {
    GgufKindOf{"llama", "llama", true, true}, GgufKindOf{"mistral", "llama", true, true},
    GgufKindOf{"qwen2", "qwen2", false, false}, GgufKindOf{"qwen3", "qwen3", false, false}};

const GgufKindOf& kind_of_family(const JsonObject& config, std::string_view who) {
  const std::string& type = model_family(config).model_type;
  const auto at = std::ranges::find(kKinds, type, &GgufKindOf::model_type);
  if (at != kKinds.end()) return *at;
  std::vector<std::string_view> known;
  for (const GgufKindOf& kind : kKinds) known.push_back(kind.model_type);
  fail(ErrorCode::kUnsupported, "{}: models of the family {} are not written as GGUF (those of {} are)", who,
       type, fmt::join(known, ", "));
}

std::optional<std::string_view> gguf_role_name(Role role) {
  switch (role) {
    case Role::kEmbedding:
      return "token_embd";
    case Role::kFinalNorm:
      return "output_norm";
    case Role::kHead:
      return "output";
    case Role::kAttentionNorm:
      return "attn_norm";
    case Role::kQ:
      return "attn_q";
    case Role::kK:
      return "attn_k";
    case Role::kV:
      return "attn_v";
    case Role::kO:
      return "attn_output";
    case Role::kQNorm:
      return "attn_q_norm";
    case Role::kKNorm:
      return "attn_k_norm";
    case Role::kMlpNorm:
      return "ffn_norm";
    case Role::kGate:
      return "ffn_gate";
    case Role::kUp:
      return "ffn_up";
    case Role::kDown:
      return "ffn_down";
    default:
      return std::nullopt;
  }
}

// A block of the same sizes that has nothing beyond what the kind computes.
BlockSpec plain_block(const BlockSpec& block, const GgufKindOf& kind) {
  BlockSpec plain;
  plain.norm.eps = block.norm.eps;
  plain.attention.heads = block.attention.heads;
  plain.attention.kv_heads = block.attention.kv_heads;
  plain.attention.head_dim = block.attention.head_dim;
  plain.mlp.inner = block.mlp.inner;
  plain.attention.qkv_bias = kind.kind == "qwen2";
  if (kind.kind == "qwen3") plain.attention.qk_norm = QkNorm::kPerHead;
  if (kind.biases) {
    plain.attention.qkv_bias = block.attention.qkv_bias;
    plain.attention.output_bias = block.attention.output_bias;
    plain.mlp.bias = block.mlp.bias;
  }
  return plain;
}

// By how much Llama 3's rule divides the frequency whose wave has `wavelength` positions.
double llama3_divisor(const RopeConfig& rope, double wavelength) {
  const auto original = static_cast<double>(rope.original_positions);
  if (wavelength < original / rope.high_freq_factor) return 1.0;
  if (wavelength > original / rope.low_freq_factor) return rope.factor;
  const double smooth =
      (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
  return 1.0 / ((1.0 - smooth) / rope.factor + smooth);
}

}  // namespace

GgufArchitecture::GgufArchitecture(const JsonObject& config, std::string who)
    : who_(std::move(who)), spec_(model_spec(config)) {
  const GgufKindOf& kind = kind_of_family(config, who_);
  kind_ = kind.kind;
  permuted_ = kind.permuted;
  for (std::size_t i = 0; i < spec_.blocks.size(); ++i) {
    LQ_CHECK(
        spec_.blocks[i] == plain_block(spec_.blocks.front(), kind), kUnsupported,
        "{}: layer {} has something that llama.cpp's kind {} does not compute (a window, a bias, another "
        "norm or scale): it cannot be written as GGUF",
        who_, i, kind_);
  }
  LQ_CHECK(
      spec_.has_final_norm && spec_.final_norm == spec_.blocks.front().norm &&
          spec_.embedding_multiplier == 1.0F && spec_.logits_multiplier == 1.0F &&
          spec_.logits_soft_cap == 0.0F && spec_.learned_positions == 0,
      kUnsupported,
      "{}: it scales embeddings or logits, has learned positions, or its last norm is of another kind, which "
      "llama.cpp's kind {} does not compute",
      who_, kind_);
  check_rope();
  for (ModelTensor& tensor : model_tensors(spec_, model_family(config).names)) {
    const bool turned = permuted_ && (tensor.role == Role::kQ || tensor.role == Role::kK);
    GgufModelTensor named = {std::move(tensor), {}, turned ? spec_.head_dim() : 0};
    named.name = tensor_name(named.tensor);
    tensors_.push_back(std::move(named));
  }
}

void GgufArchitecture::check_rope() const {
  const RopeConfig& rope = spec_.rope;
  LQ_CHECK(
      rope.type != RopeType::kDynamic && rope.type != RopeType::kLongRope, kUnsupported,
      "{}: rotary embeddings whose frequencies change with the length (dynamic, longrope) are not written",
      who_);
  LQ_CHECK(rope.share == 1.0, kUnsupported, "{}: heads of which only {} turn are not written", who_,
           rope.share);
  LQ_CHECK(rope.type != RopeType::kLlama3 || kind_ == "llama", kUnsupported,
           "{}: llama.cpp's kind {} has no factors of frequencies (llama3)", who_, kind_);
  LQ_CHECK(rope.type != RopeType::kYarn ||
               (rope.truncate && std::abs(rope.attention_factor - yarn_attention_factor(rope.factor)) < 1e-6),
           kUnsupported,
           "{}: rope_scaling: llama.cpp computes yarn with whole bounds and its own attention_factor, {}",
           who_, yarn_attention_factor(rope.factor));
}

std::string GgufArchitecture::tensor_name(const ModelTensor& tensor) const {
  const auto role = gguf_role_name(tensor.role);
  LQ_CHECK(role.has_value(), kUnsupported, "{}: {} has no name in GGUF files of kind {}", who_, tensor.name,
           kind_);
  const std::string_view suffix = tensor.bias ? "bias" : "weight";
  return tensor.layer < 0 ? fmt::format("{}.{}", *role, suffix)
                          : fmt::format("blk.{}.{}.{}", tensor.layer, *role, suffix);
}

const GgufModelTensor* GgufArchitecture::find(std::string_view checkpoint_name) const {
  const auto at =
      std::ranges::find_if(tensors_, [&](const auto& t) { return t.tensor.name == checkpoint_name; });
  return at == tensors_.end() ? nullptr : &*at;
}

void GgufArchitecture::add_keys(GgufKeys& keys) const {
  const auto key = [&](std::string_view name) { return fmt::format("{}.{}", kind_, name); };
  const auto size = [&](std::string_view name, std::int64_t value) {
    keys.u32(key(name), static_cast<std::uint32_t>(value));
  };
  const BlockSpec& block = spec_.blocks.front();
  size("vocab_size", spec_.vocab);
  size("context_length", spec_.max_positions);
  size("embedding_length", spec_.hidden);
  size("block_count", spec_.layers());
  size("feed_forward_length", block.mlp.inner);
  size("attention.head_count", block.attention.heads);
  size("attention.head_count_kv", block.attention.kv_heads);
  size("attention.key_length", block.attention.head_dim);
  size("attention.value_length", block.attention.head_dim);
  keys.f32(key("attention.layer_norm_rms_epsilon"), block.norm.eps);
  size("rope.dimension_count", block.attention.head_dim);
  keys.f32(key("rope.freq_base"), static_cast<float>(spec_.rope.theta));
  const RopeConfig& rope = spec_.rope;
  if (rope.type != RopeType::kLinear && rope.type != RopeType::kYarn) return;
  const bool yarn = rope.type == RopeType::kYarn;
  keys.text(key("rope.scaling.type"), yarn ? "yarn" : "linear");
  keys.f32(key("rope.scaling.factor"), static_cast<float>(rope.factor));
  if (!yarn) return;
  size("rope.scaling.original_context_length", rope.original_positions);
  keys.f32(key("rope.scaling.yarn_beta_fast"), static_cast<float>(rope.beta_fast));
  keys.f32(key("rope.scaling.yarn_beta_slow"), static_cast<float>(rope.beta_slow));
}

std::vector<float> GgufArchitecture::rope_factors() const {
  std::vector<float> factors;
  if (spec_.rope.type != RopeType::kLlama3) return factors;
  const std::int64_t dims = spec_.head_dim();
  for (std::int64_t i = 0; i < dims; i += 2) {
    const double wavelength =
        2.0 * M_PI * std::pow(spec_.rope.theta, static_cast<double>(i) / static_cast<double>(dims));
    factors.push_back(static_cast<float>(llama3_divisor(spec_.rope, wavelength)));
  }
  return factors;
}

}  // namespace lq
