// A tiny random Llama-shaped checkpoint for tests of whole-model jobs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/rng.h"
#include "files/json_file.h"
#include "formats/safetensors_writer.h"
#include "tensor/tensor.h"

namespace lq {

inline const std::vector<std::pair<std::string, Shape>>& tiny_linears() {
  static const std::vector<std::pair<std::string, Shape>> kLinears = {
      {"self_attn.q_proj", {32, 32}}, {"self_attn.k_proj", {16, 32}}, {"self_attn.v_proj", {16, 32}},
      {"self_attn.o_proj", {32, 32}}, {"mlp.gate_proj", {40, 32}},    {"mlp.up_proj", {40, 32}},
      {"mlp.down_proj", {32, 40}}};
  return kLinears;
}

// Two blocks; dtype of every tensor. bad_value, if given, replaces element 5 of layer 1's v_proj.
inline void write_tiny_model(const std::filesystem::path& directory, DType dtype = DType::kF32,
                             const float* bad_value = nullptr) {
  std::filesystem::create_directories(directory);
  std::vector<TensorSpec> specs = {{"model.embed_tokens.weight", dtype, {64, 32}},
                                   {"model.norm.weight", dtype, {32}},
                                   {"lm_head.weight", dtype, {64, 32}}};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    specs.push_back({prefix + "input_layernorm.weight", dtype, {32}});
    specs.push_back({prefix + "post_attention_layernorm.weight", dtype, {32}});
    for (const auto& [name, shape] : tiny_linears())
      specs.push_back({prefix + name + ".weight", dtype, shape});
  }
  SafetensorsWriter writer(directory / "model.safetensors", specs, {{"format", "pt"}});
  ThreadPool pool(1);
  for (const TensorSpec& spec : specs) {
    std::vector<float> values(static_cast<std::size_t>(spec.numel()), 1.0F);
    if (spec.shape.size() == 2) Rng(11, stream_of(spec.name)).fill_normal(pool, values.data(), spec.numel());
    if (bad_value != nullptr && spec.name == "model.layers.1.self_attn.v_proj.weight") values[5] = *bad_value;
    writer.write_f32(spec.name, values.data());
  }
  writer.finish();
  const nlohmann::ordered_json config = {{"architectures", {"LlamaForCausalLM"}},
                                         {"model_type", "llama"},
                                         {"hidden_size", 32},
                                         {"intermediate_size", 40},
                                         {"num_hidden_layers", 2},
                                         {"num_attention_heads", 4},
                                         {"num_key_value_heads", 2},
                                         {"vocab_size", 64},
                                         {"max_position_embeddings", 64},
                                         {"rms_norm_eps", 1e-5},
                                         {"tie_word_embeddings", false},
                                         {"a_key_nobody_knows", {1, 2, 3}}};
  write_json(directory / "config.json", config);
}

}  // namespace lq
