// Writes a random Llama as a model directory, dense or packed, for tests and benchmarks.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/rng.h"
#include "files/json_file.h"
#include "formats/checkpoint_reader.h"
#include "formats/packed_checkpoint.h"
#include "formats/safetensors_writer.h"
#include "quant/format.h"
#include "quant/format_set.h"

namespace lq::reference {

struct RandomModel {
  std::int64_t hidden = 64, layers = 2, intermediate = 96, heads = 4, kv_heads = 2, vocab = 97,
               context = 2048;
  int bits = 0;  // of the blocks' linears, QLoRA's form; 0: dense
  DType dtype = DType::kBf16;
  std::string choice{};      // of a packed model's linears in place of QLoRA's form, as `--config` reads it
  bool same_blocks = false;  // every block has the first one's matrices
  // Of a packed model's linears whose names end so ("down_proj"): another form, as `choice`.
  std::map<std::string, std::string> choices{};
};

inline nlohmann::ordered_json random_model_config(const RandomModel& m) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", m.hidden},
          {"intermediate_size", m.intermediate},
          {"num_hidden_layers", m.layers},
          {"num_attention_heads", m.heads},
          {"num_key_value_heads", m.kv_heads},
          {"vocab_size", m.vocab},
          {"max_position_embeddings", m.context},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", false},
          {"bos_token_id", 1},
          {"eos_token_id", 2}};
}

// Matrices are normal with deviation 1 / sqrt(inputs); the same numbers whatever `bits` and `choice`.
inline void write_random_model(ThreadPool& pool, const RandomModel& m,
                               const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  struct Matrix {
    std::string name, source;  // the source gives the numbers
    std::int64_t rows, cols;
    bool packed;
  };
  std::vector<Matrix> all = {
      {"model.embed_tokens.weight", "model.embed_tokens.weight", m.vocab, m.hidden, false},
      {"lm_head.weight", "lm_head.weight", m.vocab, m.hidden, false},
      {"model.norm.weight", "model.norm.weight", 1, m.hidden, false}};
  const std::int64_t kv = m.hidden / m.heads * m.kv_heads;
  for (std::int64_t layer = 0; layer < m.layers; ++layer) {
    const auto add = [&](const char* name, std::int64_t rows, std::int64_t cols) {
      all.push_back({fmt::format("model.layers.{}.{}.weight", layer, name),
                     fmt::format("model.layers.{}.{}.weight", m.same_blocks ? 0 : layer, name), rows, cols,
                     rows > 1 && m.bits > 0});
    };
    add("self_attn.q_proj", m.hidden, m.hidden);
    add("self_attn.k_proj", kv, m.hidden);
    add("self_attn.v_proj", kv, m.hidden);
    add("self_attn.o_proj", m.hidden, m.hidden);
    add("mlp.gate_proj", m.intermediate, m.hidden);
    add("mlp.up_proj", m.intermediate, m.hidden);
    add("mlp.down_proj", m.hidden, m.intermediate);
    add("input_layernorm", 1, m.hidden);
    add("post_attention_layernorm", 1, m.hidden);
  }
  const QuantChoice choice =
      m.choice.empty() ? FormatSet().uniform(std::max(m.bits, 2)) : parse_choice(m.choice, "choice");
  const auto choice_of = [&](const std::string& name) {
    for (const auto& [end, text] : m.choices) {
      if (name.ends_with(end + ".weight")) return parse_choice(text, "choices");
    }
    return choice;
  };
  PackedModules modules;
  std::vector<TensorSpec> specs;
  for (const Matrix& x : all) {
    if (x.packed) {
      const PackedModule module{choice_of(x.name), x.rows, x.cols, m.dtype};
      modules.modules.emplace(x.name, module);
      for (auto& spec : packed_tensor_specs(x.name, module)) specs.push_back(spec);
    } else {
      specs.push_back({x.name, m.dtype, x.rows == 1 ? Shape{x.cols} : Shape{x.rows, x.cols}});
    }
  }
  SafetensorsWriter writer(directory / "model.safetensors", specs, {{"format", "pt"}});
  std::vector<float> w;
  std::map<std::string, PackedMatrix> packed;  // by source, where blocks share them
  for (const Matrix& x : all) {
    const auto append = [&](const PackedMatrix& matrix) {
      for (const PackedPart& part : matrix.parts())
        writer.append(x.name + "." + part.suffix, part.bytes.data(), part.bytes.size());
    };
    if (const auto at = packed.find(x.source); at != packed.end()) {
      append(at->second);
      continue;
    }
    w.resize(static_cast<std::size_t>(x.rows * x.cols));
    if (x.rows == 1) {
      std::fill(w.begin(), w.end(), 1.0F);
    } else {
      Rng(5, stream_of(x.source)).fill_normal(pool, w.data(), x.rows * x.cols);
      const float scale = 1.0F / std::sqrt(static_cast<float>(x.cols));
      for (float& v : w) v *= scale;
    }
    if (!x.packed) {
      writer.write_f32(x.name, w.data());
      continue;
    }
    const PackedModule& module = modules.modules.at(x.name);
    const PackedMatrix matrix = make_quantizer(module.choice)->pack(pool, w.data(), x.rows, x.cols);
    append(matrix);
    if (m.same_blocks) packed.emplace(x.source, matrix);
  }
  writer.finish();
  nlohmann::ordered_json config = random_model_config(m);
  if (m.bits > 0) {
    modules.model_hash = CheckpointReader(directory / "model.safetensors").model_hash(pool);
    modules.source_hash = std::string(32, '0');
    config["quantization_config"] = packed_modules_to_json(modules);
  }
  write_json(directory / "config.json", config);
}

}  // namespace lq::reference
