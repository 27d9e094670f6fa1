#include "formats/gguf/gguf_names.h"

#include <fmt/format.h>

#include <charconv>

namespace lq {
namespace {

constexpr std::string_view kBlockPrefix = "blk.";
constexpr std::string_view kExpertMark = "{}";

// A tensor's name in its parts.
struct GgufName {
  std::optional<std::int64_t> block;
  std::string_view module;  // without "blk.N."
  std::string_view ending;  // ".weight", ".bias"
};

std::optional<GgufName> parts_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  GgufName parts = {gguf_block_of(name), name.substr(0, dot), name.substr(dot)};
  if (parts.ending != ".weight" && parts.ending != ".bias") return std::nullopt;
  if (parts.block) parts.module.remove_prefix(parts.module.find('.', kBlockPrefix.size()) + 1);
  return parts;
}

const std::string* partner(const GgufNames& names, const GgufName& name) {
  const auto& all = name.block ? names.inside : names.outside;
  const auto at = all.find(name.module);
  return at == all.end() ? nullptr : &at->second;
}

}  // namespace

std::optional<std::int64_t> gguf_block_of(std::string_view name) {
  if (!name.starts_with(kBlockPrefix)) return std::nullopt;
  name.remove_prefix(kBlockPrefix.size());
  std::int64_t block = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), block);
  const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '.' && block >= 0;
  // "blk.07." would be a second name of block 7.
  if (!whole || (name.front() == '0' && end != name.data() + 1) || name.front() == '-') return std::nullopt;
  return block;
}

bool is_expert_stack(const GgufNames& names, std::string_view gguf_name) {
  const auto name = parts_of(gguf_name);
  const std::string* const known = name ? partner(names, *name) : nullptr;
  return known != nullptr && known->find(kExpertMark) != std::string::npos;
}

std::optional<std::string> hugging_face_name(const GgufNames& names, std::string_view gguf_name,
                                             std::int64_t expert) {
  const auto name = parts_of(gguf_name);
  const std::string* const known = name ? partner(names, *name) : nullptr;
  if (known == nullptr) return std::nullopt;
  if (name->ending == ".bias" && !names.with_bias.contains(name->module)) return std::nullopt;
  std::string module = *known;
  const std::size_t mark = module.find(kExpertMark);
  if ((mark != std::string::npos) != (expert >= 0)) return std::nullopt;
  if (expert >= 0) module.replace(mark, kExpertMark.size(), std::to_string(expert));
  return name->block ? fmt::format("{}{}.{}{}", names.block, *name->block, module, name->ending)
                     : fmt::format("{}{}", module, name->ending);
}

GgufNames gguf_decoder_names() {
  GgufNames names;
  names.outside = {
      {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
  names.inside = {{"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
                  {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
                  {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
                  {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
                  {"ffn_down", "mlp.down_proj"}};
  names.with_bias = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};
  return names;
}

}  // namespace lq
