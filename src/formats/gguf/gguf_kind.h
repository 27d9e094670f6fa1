// The kinds of models in GGUF files (general.architecture) that this program reads: one row each, and what a
// kind's own keys say. A new kind is a row in a file gguf_kind_NAME.cc and a line in gguf_kinds.cc.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/gguf/gguf_names.h"

namespace lq {

constexpr std::int64_t kGgufSizeLimit = std::int64_t{1} << 24;  // of widths, counts and lengths

// What a kind's own reader looks at.
struct GgufKindSource {
  const GgufFile& file;
  const GgufMetadata& keys;
  std::string prefix;  // of the kind's keys: "gemma3."
  std::int64_t hidden = 0, heads = 0, head_dim = 0, blocks = 0, positions = 0, experts = 0;
  std::set<std::string, std::less<>>& said;  // the reader adds tensors that config.json says instead

  std::string key(std::string_view name) const { return prefix + std::string(name); }
  // Null where there is none.
  const GgufFile::Tensor* tensor(std::string_view name) const;
  bool has_bias(std::string_view module) const;  // in the first block
  // The F32 elements of a tensor [count]. Throws Error(kCorruptFile) for another one.
  std::vector<float> floats(const GgufFile::Tensor& tensor, std::int64_t count) const;
};

struct GgufKind {
  std::string name;          // general.architecture
  std::string architecture;  // Hugging Face's class
  std::string model_type;
  GgufNames names;
  bool experts = false;         // KIND.expert_count is not 0; one name may have a row with and one without
  bool permuted = false;        // q and k have llama.cpp's order of rows
  bool norms_plus_one = false;  // norms hold 1 + w
  bool layer_norms = false;     // the key of their epsilon is attention.layer_norm_epsilon
  bool own_rotation = false;    // `read` says what turns, and how; else whole heads do
  bool encoder = false;         // every token sees the whole text (attention.causal is false)
  std::int64_t usual_pad = -1;  // the class's pad_token_id where config.json has none; -1: none
  // Changes and completes `config`, which has what all kinds say alike. Null: nothing to do.
  void (*read)(const GgufKindSource& source, nlohmann::ordered_json& config) = nullptr;
};

// All of them.
const std::vector<GgufKind>& gguf_kinds();

// Their rows.
std::vector<GgufKind> gguf_llama_kinds();  // llama, without and with experts; qwen2, qwen3, qwen3moe
std::vector<GgufKind> gguf_gemma_kinds();  // gemma2, gemma3
GgufKind gguf_phi3_kind();
GgufKind gguf_olmo2_kind();
GgufKind gguf_granite_kind();
GgufKind gguf_smollm3_kind();
GgufKind gguf_gpt2_kind();
GgufKind gguf_bert_kind();

}  // namespace lq
