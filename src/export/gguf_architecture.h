// What llama.cpp calls a model: the kind, its keys and the names of its tensors, from the spec that the
// model's family gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "export/gguf_kinds.h"
#include "files/json_object.h"
#include "formats/gguf/gguf_writer.h"
#include "models/model_spec.h"
#include "models/registry.h"

namespace lq {

// A tensor of the model and what it is called in the file.
struct GgufModelTensor {
  ModelTensor tensor;         // by the checkpoint's name
  std::string name;           // "blk.0.attn_q.weight"
  std::int64_t head_dim = 0;  // where rows are in llama.cpp's order (formats/gguf/gguf_form.h); else 0
  float added = 0.0F;         // to each element in the file
  std::int64_t stack = 0;     // matrices of the file's tensor, one for each expert; 0: no stack
};

// A tensor of the file that no checkpoint has: factors of frequencies.
struct GgufTable {
  std::string name;
  std::vector<float> values;
};

class GgufArchitecture {
 public:
  // who: the model, for messages. Throws Error(kUnsupported) for a family without a kind of llama.cpp's, and
  // for anything in the spec that the kind has no key for: it would be left out of what is computed. Throws
  // what model_spec throws.
  // names: of the checkpoint's tensors, where they are not all that the family's are (BERT's body alone).
  GgufArchitecture(const JsonObject& config, std::string who,
                   const std::optional<TensorNames>& names = std::nullopt);

  std::string_view kind() const { return kind_->kind; }
  const ModelSpec& spec() const { return spec_; }
  const std::vector<GgufModelTensor>& tensors() const { return tensors_; }
  // Null for a name that is none of the model's.
  const GgufModelTensor* find(std::string_view checkpoint_name) const;
  // Adds KIND.context_length, KIND.rope.freq_base, ...
  void add_keys(GgufKeys& keys) const;
  // What each frequency is divided by, where the rotation has factors: rope_freqs.weight, or
  // rope_factors_short.weight and rope_factors_long.weight.
  std::vector<GgufTable> rope_tables() const;

 private:
  void check_computed() const;
  void check_rope() const;
  void add_rope_keys(GgufKindKeys& keys) const;
  std::string tensor_name(const ModelTensor& tensor) const;

  std::string who_;
  ModelSpec spec_;
  const GgufWrittenKind* kind_ = nullptr;
  std::vector<GgufModelTensor> tensors_;
};

}  // namespace lq
