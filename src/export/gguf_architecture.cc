#include "export/gguf_architecture.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

const GgufWrittenKind& kind_of_family(const JsonObject& config, std::string_view who) {
  const std::string& type = model_family(config).model_type;
  const auto& kinds = gguf_written_kinds();
  const auto at = std::ranges::find(kinds, type, &GgufWrittenKind::model_type);
  if (at != kinds.end()) return *at;
  std::vector<std::string_view> known;
  for (const GgufWrittenKind& kind : kinds) known.push_back(kind.model_type);
  fail(ErrorCode::kUnsupported, "{}: models of the family {} are not written as GGUF (those of {} are)", who,
       type, fmt::join(known, ", "));
}

std::optional<std::string_view> gguf_role_name(Role role, bool encoder) {
  switch (role) {
    case Role::kTypes:
      return "token_types";
    case Role::kEmbeddingNorm:
      return "token_embd_norm";
    case Role::kEmbedding:
      return "token_embd";
    case Role::kFinalNorm:
      return "output_norm";
    case Role::kHead:
      return "output";
    case Role::kPositions:
      return "position_embd";
    case Role::kAttentionNorm:
      return "attn_norm";
    case Role::kAttentionNormAfter:
      return encoder ? "attn_output_norm" : "post_attention_norm";
    case Role::kQkv:
      return "attn_qkv";
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
    case Role::kMlpNormAfter:
      return encoder ? "layer_output_norm" : "post_ffw_norm";
    case Role::kRouter:
      return "ffn_gate_inp";
    case Role::kExpertGate:
      return "ffn_gate_exps";
    case Role::kExpertUp:
      return "ffn_up_exps";
    case Role::kExpertDown:
      return "ffn_down_exps";
    case Role::kGate:
      return "ffn_gate";
    case Role::kGateUp:
    case Role::kUp:
      return "ffn_up";
    case Role::kDown:
      return "ffn_down";
    default:
      return std::nullopt;
  }
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

GgufArchitecture::GgufArchitecture(const JsonObject& config, std::string who,
                                   const std::optional<TensorNames>& names)
    : who_(std::move(who)), spec_(model_spec(config)), kind_(&kind_of_family(config, who_)) {
  check_computed();
  check_rope();
  for (ModelTensor& tensor : model_tensors(spec_, names ? *names : model_family(config).names)) {
    GgufModelTensor named = {std::move(tensor), {}};
    const Role role = named.tensor.role;
    if (kind_->permuted && (role == Role::kQ || role == Role::kK)) named.head_dim = spec_.head_dim();
    if (kind_->norms_plus_one && is_norm(role)) named.added = 1.0F;
    if (named.tensor.expert >= 0) named.stack = spec_.blocks.front().mlp.experts;
    named.name = tensor_name(named.tensor);
    tensors_.push_back(std::move(named));
  }
}

void GgufArchitecture::check_computed() const {
  const ModelSpec theirs = kind_->computed(spec_);
  for (std::size_t i = 0; i < spec_.blocks.size(); ++i) {
    LQ_CHECK(
        spec_.blocks[i] == theirs.blocks[i], kUnsupported,
        "{}: layer {} has something that llama.cpp's kind {} does not compute (a window, a bias, another "
        "norm or scale): it cannot be written as GGUF",
        who_, i, kind());
  }
  LQ_CHECK(spec_.has_head == theirs.has_head && spec_.labels == theirs.labels, kUnsupported,
           "{}: it has a head that llama.cpp's kind {} does not have", who_, kind());
  LQ_CHECK(spec_.has_final_norm == theirs.has_final_norm && spec_.final_norm == theirs.final_norm &&
               spec_.embedding_norm == theirs.embedding_norm && spec_.token_types == theirs.token_types &&
               spec_.embedding_multiplier == theirs.embedding_multiplier &&
               spec_.logits_multiplier == theirs.logits_multiplier &&
               spec_.logits_soft_cap == theirs.logits_soft_cap &&
               spec_.learned_positions == theirs.learned_positions &&
               spec_.position_offset == theirs.position_offset,
           kUnsupported,
           "{}: it scales or caps embeddings or logits, has learned positions, or its last norm is of "
           "another kind, than llama.cpp's kind {} computes",
           who_, kind());
  LQ_CHECK(spec_.tied_embeddings == theirs.tied_embeddings, kUnsupported,
           "{}: tie_word_embeddings is {}, but llama.cpp's kind {} has it only otherwise", who_,
           spec_.tied_embeddings, kind());
}

void GgufArchitecture::check_rope() const {
  const RopeConfig& rope = spec_.rope;
  if (!spec_.uses(RopeUse::kGlobal)) return;
  const bool known = std::ranges::find(kind_->ropes, rope.type) != kind_->ropes.end();
  LQ_CHECK(
      known || (rope.type != RopeType::kDynamic && rope.type != RopeType::kLongRope), kUnsupported,
      "{}: rotary embeddings whose frequencies change with the length (dynamic, longrope) are not written",
      who_);
  LQ_CHECK(known || rope.type != RopeType::kLlama3, kUnsupported,
           "{}: llama.cpp's kind {} has no factors of frequencies (llama3)", who_, kind());
  LQ_CHECK(known, kUnsupported, "{}: rope_scaling: llama.cpp's kind {} does not compute this type", who_,
           kind());
  LQ_CHECK(!spec_.uses(RopeUse::kLocal) || spec_.local_rope.type == RopeType::kDefault, kUnsupported,
           "{}: rope_scaling of layers with a window, which llama.cpp's kind {} does not compute", who_,
           kind());
  LQ_CHECK(rope.share == 1.0 || kind() == "phi3", kUnsupported,
           "{}: heads of which only {} turn are not written", who_, rope.share);
  LQ_CHECK(rope.type != RopeType::kYarn ||
               (rope.truncate && std::abs(rope.attention_factor - yarn_attention_factor(rope.factor)) < 1e-6),
           kUnsupported,
           "{}: rope_scaling: llama.cpp computes yarn with whole bounds and its own attention_factor, {}",
           who_, yarn_attention_factor(rope.factor));
}

std::string GgufArchitecture::tensor_name(const ModelTensor& tensor) const {
  const auto role = gguf_role_name(tensor.role, kind_->encoder);
  LQ_CHECK(role.has_value(), kUnsupported, "{}: {} has no name in GGUF files of kind {}", who_, tensor.name,
           kind());
  const std::string_view suffix = tensor.bias ? "bias" : "weight";
  return tensor.layer < 0 ? fmt::format("{}.{}", *role, suffix)
                          : fmt::format("blk.{}.{}.{}", tensor.layer, *role, suffix);
}

const GgufModelTensor* GgufArchitecture::find(std::string_view checkpoint_name) const {
  const auto at =
      std::ranges::find_if(tensors_, [&](const auto& t) { return t.tensor.name == checkpoint_name; });
  return at == tensors_.end() ? nullptr : &*at;
}

void GgufArchitecture::add_keys(GgufKeys& all) const {
  GgufKindKeys keys(all, kind());
  const BlockSpec& block = spec_.blocks.front();
  keys.size("vocab_size", spec_.vocab);
  keys.size("context_length", spec_.max_positions);
  keys.size("embedding_length", spec_.hidden);
  keys.size("block_count", spec_.layers());
  keys.size("feed_forward_length", block.mlp.inner);
  keys.size("attention.head_count", block.attention.heads);
  keys.size("attention.head_count_kv", block.attention.kv_heads);
  keys.size("attention.key_length", block.attention.head_dim);
  keys.size("attention.value_length", block.attention.head_dim);
  const bool layer_norm = block.norm.kind == NormKind::kLayer;
  keys.number(layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
              block.norm.eps);
  if (spec_.uses(RopeUse::kGlobal)) add_rope_keys(keys);
  if (kind_->add_keys != nullptr) kind_->add_keys(spec_, keys);
  if (spec_.token_types > 0)
    all.u32("tokenizer.ggml.token_type_count", static_cast<std::uint32_t>(spec_.token_types));
}

void GgufArchitecture::add_rope_keys(GgufKindKeys& keys) const {
  const RopeConfig& rope = spec_.rope;
  keys.size("rope.dimension_count", rope.dims(spec_.head_dim()));
  keys.number("rope.freq_base", rope.theta);
  if (rope.type == RopeType::kLongRope) keys.text("rope.scaling.type", "longrope");
  if (rope.type != RopeType::kLinear && rope.type != RopeType::kYarn) return;
  const bool yarn = rope.type == RopeType::kYarn;
  keys.text("rope.scaling.type", yarn ? "yarn" : "linear");
  keys.number("rope.scaling.factor", rope.factor);
  if (!yarn) return;
  keys.size("rope.scaling.original_context_length", rope.original_positions);
  keys.number("rope.scaling.yarn_beta_fast", rope.beta_fast);
  keys.number("rope.scaling.yarn_beta_slow", rope.beta_slow);
}

std::vector<GgufTable> GgufArchitecture::rope_tables() const {
  const RopeConfig& rope = spec_.rope;
  if (rope.type == RopeType::kLongRope) {
    return {{"rope_factors_short.weight", {rope.short_factor.begin(), rope.short_factor.end()}},
            {"rope_factors_long.weight", {rope.long_factor.begin(), rope.long_factor.end()}}};
  }
  if (rope.type != RopeType::kLlama3) return {};
  GgufTable factors = {"rope_freqs.weight", {}};
  const std::int64_t dims = spec_.head_dim();
  for (std::int64_t i = 0; i < dims; i += 2) {
    const double wavelength =
        2.0 * M_PI * std::pow(rope.theta, static_cast<double>(i) / static_cast<double>(dims));
    factors.values.push_back(static_cast<float>(llama3_divisor(rope, wavelength)));
  }
  return {factors};
}

}  // namespace lq
