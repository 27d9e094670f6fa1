// A PEFT LoRA adapter: adapter_config.json beside adapter_model.safetensors, whose tensors are
//   base_model.model.MODULE.lora_A.weight [r, in]   and   base_model.model.MODULE.lora_B.weight [out, r]
// and add scaling * B A to MODULE's weight [out, in]. Names that hold the adapter's own name too, as in a
// saved state dict ("lora_A.default.weight", "modules_to_save.default.weight"), and those of a wrapped model
// (saved_names.h) are read as well. The safetensors metadata key "lqlora_base_hash" names
// the base (CheckpointReader::model_hash); adapters from elsewhere do not have it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/peft_config.h"
#include "formats/safetensors_reader.h"
#include "formats/safetensors_writer.h"

namespace lq {

constexpr std::string_view kBaseHashKey = "lqlora_base_hash";

struct LoraPair {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  TensorView a;        // [rank, in]
  TensorView b;        // [out, rank]
  std::int64_t rank = 0, in = 0, out = 0;
  double alpha = 0, scaling = 0;
};

// Views stay valid while it lives. Thread-safe after construction.
class PeftAdapterReader {
 public:
  // DIRECTORY holds both files. Throws Error(kNotFound); Error(kCorruptFile) for an A without its B, ranks
  // that disagree with each other or with the config, or a name that is none of PEFT's; Error(kUnsupported)
  // for .bin weights and for what PeftConfig refuses; and what SafetensorsReader throws.
  explicit PeftAdapterReader(const std::filesystem::path& directory);

  const PeftConfig& config() const { return config_; }
  // Sorted by module.
  const std::vector<LoraPair>& pairs() const { return pairs_; }
  const LoraPair* find(std::string_view module) const;
  // Whole weights that replace the base's (modules_to_save: "score.weight"), names without PEFT's prefix.
  const std::vector<TensorView>& replaced() const { return replaced_; }
  std::optional<std::string> base_hash() const;
  // Throws Error(kMismatch) naming both hashes when the adapter names another base. One that names none
  // passes.
  void check_base(std::string_view model_hash) const;

 private:
  void add_pair(const std::string& module, const TensorView& a, const TensorView& b);

  std::filesystem::path directory_;
  PeftConfig config_;
  SafetensorsReader file_;
  std::vector<LoraPair> pairs_;
  std::vector<TensorView> replaced_;
};

struct LoraSpec {
  std::string module;
  std::int64_t rank = 0, in = 0, out = 0;
  double alpha = 0;  // scaling = alpha / rank (alpha / sqrt(rank) with use_rslora)
};

struct PeftWriterOptions {
  DType dtype = DType::kF32;             // of A and B in the file
  std::string base_hash;                 // empty: none
  std::vector<std::string> all_modules;  // every linear of the base, to shorten target_modules; may be empty
  Metadata metadata = {};                // further keys
  // Whole weights that replace the base's, in f32: "model.norm.weight". They become modules_to_save.
  std::vector<TensorSpec> replaced = {};
};

// Writes both files into an existing directory, each atomically, adapter_config.json last. r, alpha, the
// patterns and target_modules of `config` are computed from the specs; its other fields are kept. Not
// thread-safe.
class PeftAdapterWriter {
 public:
  // Throws Error(kInvalidArgument) for a duplicate module or a rank below 1.
  PeftAdapterWriter(std::filesystem::path directory, PeftConfig config, const std::vector<LoraSpec>& specs,
                    const PeftWriterOptions& options = {});
  // a: [rank, in], b: [out, rank], row-major f32; modules in any order.
  void write(std::string_view module, const float* a, const float* b);
  // One of options.replaced, by its name.
  void write_replaced(std::string_view name, const float* values);
  // Throws Error(kInvalidArgument) naming a module that is missing.
  void finish();
  const PeftConfig& config() const { return config_; }

 private:
  std::filesystem::path directory_;
  PeftConfig config_;
  SafetensorsWriter writer_;
};

}  // namespace lq
