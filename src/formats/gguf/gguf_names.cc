#include "formats/gguf/gguf_names.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace lq {
namespace {

using NamePair = std::pair<std::string_view, std::string_view>;  // GGUF's, Hugging Face's

constexpr std::string_view kBlockPrefix = "blk.";

constexpr std::array<NamePair, 3> kOutsideBlocks = {
    {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}}};

constexpr std::array<NamePair, 11> kInBlocks = {{{"attn_norm", "input_layernorm"},
                                                 {"attn_q", "self_attn.q_proj"},
                                                 {"attn_k", "self_attn.k_proj"},
                                                 {"attn_v", "self_attn.v_proj"},
                                                 {"attn_output", "self_attn.o_proj"},
                                                 {"attn_q_norm", "self_attn.q_norm"},
                                                 {"attn_k_norm", "self_attn.k_norm"},
                                                 {"ffn_norm", "post_attention_layernorm"},
                                                 {"ffn_gate", "mlp.gate_proj"},
                                                 {"ffn_up", "mlp.up_proj"},
                                                 {"ffn_down", "mlp.down_proj"}}};

template <std::size_t N>
std::optional<std::string_view> partner(const std::array<NamePair, N>& names, std::string_view gguf) {
  for (const auto& [own, theirs] : names) {
    if (own == gguf) return theirs;
  }
  return std::nullopt;
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

std::optional<std::string> hugging_face_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = name.substr(dot);
  if (kind != ".weight" && kind != ".bias") return std::nullopt;
  const std::string_view module = name.substr(0, dot);
  const auto block = gguf_block_of(name);
  if (!block) {
    const auto outside = partner(kOutsideBlocks, module);
    return outside ? std::optional(fmt::format("{}{}", *outside, kind)) : std::nullopt;
  }
  const auto inside = partner(kInBlocks, module.substr(module.find('.', kBlockPrefix.size()) + 1));
  return inside ? std::optional(fmt::format("model.layers.{}.{}{}", *block, *inside, kind)) : std::nullopt;
}

}  // namespace lq
