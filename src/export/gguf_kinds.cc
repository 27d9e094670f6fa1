#include "export/gguf_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lq {
namespace {

// A model of the same sizes that has nothing beyond Llama's blocks.
ModelSpec plain_model(const ModelSpec& spec) {
  const BlockSpec& front = spec.blocks.front();
  BlockSpec block;
  block.norm.eps = front.norm.eps;
  block.attention.heads = front.attention.heads;
  block.attention.kv_heads = front.attention.kv_heads;
  block.attention.head_dim = front.attention.head_dim;
  block.mlp.inner = front.mlp.inner;
  ModelSpec plain = spec;
  plain.blocks.assign(spec.blocks.size(), block);
  plain.final_norm = block.norm;
  plain.has_final_norm = true;
  plain.embedding_multiplier = plain.logits_multiplier = 1.0F;
  plain.logits_soft_cap = 0.0F;
  plain.learned_positions = plain.position_offset = 0;
  return plain;
}

void copy_biases(const ModelSpec& spec, ModelSpec& computed) {
  const BlockSpec& front = spec.blocks.front();
  for (BlockSpec& b : computed.blocks) {
    b.attention.qkv_bias = front.attention.qkv_bias;
    b.attention.output_bias = front.attention.output_bias;
    b.mlp.bias = front.mlp.bias;
  }
}

ModelSpec computed_llama(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  copy_biases(spec, computed);
  return computed;
}

ModelSpec computed_qwen2(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  for (BlockSpec& b : computed.blocks) b.attention.qkv_bias = true;
  return computed;
}

ModelSpec computed_qwen3(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  for (BlockSpec& b : computed.blocks) b.attention.qk_norm = QkNorm::kPerHead;
  return computed;
}

// In every layer, with weights that sum to 1.
void use_experts(const ModelSpec& spec, ModelSpec& computed) {
  for (BlockSpec& b : computed.blocks) {
    b.mlp.experts = std::max<std::int64_t>(1, spec.blocks.front().mlp.experts);
    b.mlp.experts_used = spec.blocks.front().mlp.experts_used;
    b.mlp.normalized_routing = true;
  }
}

ModelSpec computed_mixtral(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  use_experts(spec, computed);
  return computed;
}

ModelSpec computed_qwen3_moe(const ModelSpec& spec) {
  ModelSpec computed = computed_qwen3(spec);
  use_experts(spec, computed);
  return computed;
}

void add_expert_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  keys.size("expert_count", spec.blocks.front().mlp.experts);
  keys.size("expert_used_count", spec.blocks.front().mlp.experts_used);
}

void add_qwen3_moe_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  add_expert_keys(spec, keys);
  keys.size("expert_feed_forward_length", spec.blocks.front().mlp.inner);
}

std::int64_t window_of(const ModelSpec& spec) {
  std::int64_t window = 0;
  for (const BlockSpec& b : spec.blocks) window = std::max(window, b.attention.window);
  return window;
}

// blocks_of_27b: llama.cpp knows the largest model by them, and gives it another scale.
ModelSpec computed_gemma(const ModelSpec& spec, std::int64_t blocks_of_27b) {
  ModelSpec computed = plain_model(spec);
  const AttentionSpec& a = spec.blocks.front().attention;
  const std::int64_t scaled_by = spec.layers() == blocks_of_27b ? spec.hidden / a.heads : a.head_dim;
  computed.final_norm.kind = NormKind::kRmsOnePlus;
  computed.embedding_multiplier = std::sqrt(static_cast<float>(spec.hidden));
  computed.logits_soft_cap = spec.logits_soft_cap;
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    BlockSpec& b = computed.blocks[i];
    b.norm.kind = NormKind::kRmsOnePlus;
    b.place = NormPlace::kSandwich;
    b.mlp.activation = Activation::kGeluTanh;
    b.attention.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(scaled_by)));
    if (spec.blocks[i].attention.window > 0) b.attention.window = window_of(spec);
  }
  return computed;
}

// A cap of 0 is no cap here, and a division by it there.
ModelSpec computed_gemma2(const ModelSpec& spec) {
  ModelSpec computed = computed_gemma(spec, 46);
  const float cap = spec.blocks.front().attention.soft_cap;
  for (BlockSpec& b : computed.blocks) b.attention.soft_cap = cap > 0.0F ? cap : 50.0F;
  if (spec.logits_soft_cap == 0.0F) computed.logits_soft_cap = 30.0F;
  computed.tied_embeddings = true;
  return computed;
}

ModelSpec computed_gemma3(const ModelSpec& spec) {
  ModelSpec computed = computed_gemma(spec, 62);
  for (BlockSpec& b : computed.blocks) {
    b.attention.qk_norm = QkNorm::kPerHead;
    b.attention.rope = b.attention.window > 0 ? RopeUse::kLocal : RopeUse::kGlobal;
  }
  return computed;
}

// Which blocks have the window is said where the kind takes it otherwise: of `pattern`, all but the last.
void add_windows(const ModelSpec& spec, std::int64_t pattern, GgufKindKeys& keys) {
  std::vector<bool> sliding;
  bool usual = true;
  for (std::int64_t i = 0; i < spec.layers(); ++i) {
    sliding.push_back(spec.blocks[static_cast<std::size_t>(i)].attention.window > 0);
    usual = usual && sliding.back() == (i % pattern < pattern - 1);
  }
  if (window_of(spec) > 0) keys.size("attention.sliding_window", window_of(spec));
  if (!usual) keys.flags("attention.sliding_window_pattern", sliding);
}

void add_gemma2_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  add_windows(spec, 2, keys);
  keys.number("attn_logit_softcapping", spec.blocks.front().attention.soft_cap);
  keys.number("final_logit_softcapping", spec.logits_soft_cap);
}

void add_gemma3_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  add_windows(spec, 6, keys);
  if (spec.uses(RopeUse::kLocal)) keys.number("rope.freq_base_swa", spec.local_rope.theta);
  if (spec.logits_soft_cap > 0.0F) keys.number("final_logit_softcapping", spec.logits_soft_cap);
}

ModelSpec computed_phi3(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  for (BlockSpec& b : computed.blocks) {
    b.attention.head_dim = spec.hidden / b.attention.heads;
    b.attention.fused_qkv = true;
    b.attention.window = window_of(spec);
    b.mlp.fused_gate_up = true;
  }
  return computed;
}

void add_phi3_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  keys.size("attention.sliding_window", window_of(spec));
  keys.size("rope.scaling.original_context_length", spec.rope.original_positions);
  if (spec.rope.type == RopeType::kLongRope)
    keys.number("rope.scaling.attn_factor", spec.rope.attention_factor);
}

ModelSpec computed_olmo2(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  computed.tied_embeddings = false;
  for (BlockSpec& b : computed.blocks) {
    b.place = NormPlace::kBranch;
    b.attention.head_dim = spec.hidden / b.attention.heads;
    b.attention.qk_norm = QkNorm::kWholeWidth;
  }
  return computed;
}

ModelSpec computed_granite(const ModelSpec& spec) {
  ModelSpec computed = computed_llama(spec);
  computed.embedding_multiplier = spec.embedding_multiplier;
  computed.logits_multiplier = spec.logits_multiplier;
  for (BlockSpec& b : computed.blocks) {
    b.attention.scale = spec.blocks.front().attention.scale;
    b.residual_multiplier = spec.blocks.front().residual_multiplier;
  }
  return computed;
}

void add_granite_keys(const ModelSpec& spec, GgufKindKeys& keys) {
  keys.number("attention.scale", spec.blocks.front().attention.scale);
  keys.number("embedding_scale", spec.embedding_multiplier);
  keys.number("residual_scale", spec.blocks.front().residual_multiplier);
  keys.number("logit_scale", 1.0 / static_cast<double>(spec.logits_multiplier));
}

ModelSpec computed_smollm3(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  for (std::size_t i = 3; i < computed.blocks.size(); i += 4)
    computed.blocks[i].attention.rope = RopeUse::kNone;
  return computed;
}

ModelSpec computed_gpt2(const ModelSpec& spec) {
  ModelSpec computed = plain_model(spec);
  computed.final_norm.kind = NormKind::kLayer;
  computed.learned_positions = spec.max_positions;
  for (BlockSpec& b : computed.blocks) {
    b.norm.kind = NormKind::kLayer;
    AttentionSpec& a = b.attention;
    a.fused_qkv = a.qkv_bias = a.output_bias = true;
    a.rope = RopeUse::kNone;
    a.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(a.head_dim)));
    b.mlp.gated = false;
    b.mlp.bias = true;
    b.mlp.activation = Activation::kGeluTanh;
  }
  return computed;
}

// The encoder alone.
ModelSpec computed_bert(const ModelSpec& spec) {
  ModelSpec computed = computed_gpt2(spec);
  for (BlockSpec& b : computed.blocks) {
    b.place = NormPlace::kPost;
    b.attention.fused_qkv = b.attention.causal = false;
    b.attention.scale = AttentionSpec().scale;
    b.mlp.activation = Activation::kGelu;
  }
  computed.embedding_norm = computed.final_norm = computed.blocks.front().norm;
  computed.has_final_norm = computed.has_head = computed.head_bias = false;
  computed.head_dense.reset();
  computed.labels.reset();
  return computed;
}

void add_bert_keys(const ModelSpec& /*spec*/, GgufKindKeys& keys) { keys.flag("attention.causal", false); }

}  // namespace

std::string GgufKindKeys::key(std::string_view name) const { return fmt::format("{}.{}", kind_, name); }

void GgufKindKeys::size(std::string_view name, std::int64_t value) {
  keys_.u32(key(name), static_cast<std::uint32_t>(value));
}

void GgufKindKeys::number(std::string_view name, double value) {
  keys_.f32(key(name), static_cast<float>(value));
}

void GgufKindKeys::text(std::string_view name, std::string_view value) { keys_.text(key(name), value); }

void GgufKindKeys::flag(std::string_view name, bool value) { keys_.flag(key(name), value); }

void GgufKindKeys::flags(std::string_view name, const std::vector<bool>& values) {
  keys_.flags(key(name), values);
}

const std::vector<GgufWrittenKind>& gguf_written_kinds() {
  using enum RopeType;
  static const std::vector<GgufWrittenKind> kKinds = {
      {"llama", "llama", computed_llama, {kDefault, kLinear, kLlama3, kYarn}, true},
      {"mistral", "llama", computed_llama, {kDefault, kLinear, kLlama3, kYarn}, true},
      {"mixtral", "llama", computed_mixtral, {kDefault, kLinear, kYarn}, true, false, add_expert_keys},
      {"qwen2", "qwen2", computed_qwen2, {kDefault, kLinear, kYarn}},
      {"qwen3", "qwen3", computed_qwen3, {kDefault, kLinear, kYarn}},
      {"qwen3_moe",
       "qwen3moe",
       computed_qwen3_moe,
       {kDefault, kLinear, kYarn},
       false,
       false,
       add_qwen3_moe_keys},
      {"gemma2", "gemma2", computed_gemma2, {kDefault, kLinear}, false, true, add_gemma2_keys},
      {"gemma3_text", "gemma3", computed_gemma3, {kDefault, kLinear}, false, true, add_gemma3_keys},
      {"phi3", "phi3", computed_phi3, {kDefault, kLongRope}, false, false, add_phi3_keys},
      {"olmo2", "olmo2", computed_olmo2, {kDefault, kLinear, kYarn}},
      {"granite",
       "granite",
       computed_granite,
       {kDefault, kLinear, kLlama3, kYarn},
       true,
       false,
       add_granite_keys},
      {"smollm3", "smollm3", computed_smollm3, {kDefault, kLinear, kYarn}, true},
      {"gpt2", "gpt2", computed_gpt2, {kDefault}},
      {"bert", "bert", computed_bert, {kDefault}, false, false, add_bert_keys, true}};
  return kKinds;
}

}  // namespace lq
