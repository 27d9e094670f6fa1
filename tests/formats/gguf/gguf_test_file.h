// Small GGUF files for the tests: a model of the kind "llama" with one block, and its parts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/gguf/gguf_writer.h"

namespace lq::gguf_test {

// hidden 8, 2 heads of 4, inner 12, 5 tokens.
inline void add_llama_keys(GgufKeys& keys) {
  keys.text("general.architecture", "llama");
  keys.u32("llama.block_count", 1);
  keys.u32("llama.context_length", 64);
  keys.u32("llama.embedding_length", 8);
  keys.u32("llama.feed_forward_length", 12);
  keys.u32("llama.attention.head_count", 2);
  keys.u32("llama.attention.head_count_kv", 1);
  keys.f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
}

inline std::vector<GgufSpec> llama_specs() {
  using ggml::GgmlType;
  return {
      {"token_embd.weight", GgmlType::kF32, {5, 8}},        {"output_norm.weight", GgmlType::kF32, {8}},
      {"blk.0.attn_norm.weight", GgmlType::kF32, {8}},      {"blk.0.attn_q.weight", GgmlType::kF16, {8, 8}},
      {"blk.0.attn_k.weight", GgmlType::kF32, {4, 8}},      {"blk.0.attn_v.weight", GgmlType::kF32, {4, 8}},
      {"blk.0.attn_output.weight", GgmlType::kF32, {8, 8}}, {"blk.0.ffn_norm.weight", GgmlType::kF32, {8}},
      {"blk.0.ffn_gate.weight", GgmlType::kF32, {12, 8}},   {"blk.0.ffn_up.weight", GgmlType::kF32, {12, 8}},
      {"blk.0.ffn_down.weight", GgmlType::kF32, {8, 12}}};
}

// Every tensor's bytes are zero.
inline void write_zeros(const std::filesystem::path& path, const GgufKeys& keys,
                        const std::vector<GgufSpec>& specs) {
  GgufHeader layout;
  (void)make_gguf_header(keys, specs, layout);
  GgufWriter writer(path, keys, specs);
  for (const GgufTensor& t : layout.tensors) {
    const std::string zeros(t.bytes, '\0');
    writer.append(t.name, zeros.data(), zeros.size());
  }
  writer.finish();
}

}  // namespace lq::gguf_test
