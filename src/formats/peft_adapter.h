// A PEFT LoRA adapter: adapter_config.json beside adapter_model.safetensors, whose tensors are
//   base_model.model.MODULE.lora_A.weight [r, in]   and   base_model.model.MODULE.lora_B.weight [out, r]
// and add scaling * B A to MODULE's weight [out, in]; with DoRA there is MODULE.lora_magnitude_vector
// [out] besides. An embedding has lora_embedding_A [r, vocabulary] and lora_embedding_B [width, r], which
// add scaling * (B A)^T to its table. Whole tensors are weights and biases that replace the base's. Names
// that hold the adapter's own name too, as in a saved state dict ("lora_A.default.weight",
// "modules_to_save.default.weight"), and those of a wrapped model (saved_names.h) are read as well. The
// safetensors metadata key "lqlora_base_hash" names the base (CheckpointReader::model_hash); adapters from
// elsewhere do not have it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
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
  std::optional<TensorView> magnitude = {};  // [out], with DoRA
};

// What rows [begin, begin + rows) of a module that holds several projections are called where they stand
// apart.
struct FusedPart {
  std::string module;
  std::int64_t begin = 0, rows = 0;
};
struct FusedModule {
  std::string module;  // "model.layers.0.self_attn.qkv_proj"
  std::int64_t rows = 0;
  std::vector<FusedPart> parts;
};

// Views stay valid while it lives. Thread-safe after construction.
class PeftAdapterReader {
 public:
  // DIRECTORY holds both files. Throws Error(kNotFound); Error(kCorruptFile) for an A without its B, ranks
  // that disagree with each other or with the config, or a name that is none of PEFT's; Error(kUnsupported)
  // for .bin weights and for what PeftConfig refuses; and what SafetensorsReader throws.
  explicit PeftAdapterReader(const std::filesystem::path& directory);

  // Low-rank parts beside parts of a fused module become one beside that module: A below each other, B in
  // blocks, scaled, so that the sum is the same. Throws Error(kUnsupported) for magnitudes among them,
  // Error(kMismatch) for B of another height than its part, A of different widths, and where the fused module
  // has a part of its own.
  void fuse(const std::vector<FusedModule>& modules);
  // Every module and whole tensor is called what `name` makes of its name; a whole tensor of no name is left
  // out. Throws Error(kUnsupported) where two different ones get the same name.
  void rename(const std::function<std::string(const std::string&)>& name);

  const PeftConfig& config() const { return config_; }
  // Sorted by module.
  const std::vector<LoraPair>& pairs() const { return pairs_; }
  const LoraPair* find(std::string_view module) const;
  // Beside an embedding; null where there is none. in: the vocabulary, out: the width.
  const LoraPair* embedding() const { return embedding_ ? &*embedding_ : nullptr; }
  // Whole tensors that replace the base's ("score.weight"), names without PEFT's prefix.
  const std::vector<TensorView>& replaced() const { return replaced_; }
  // Whether one of them takes the place of the base's tensor for all who share it (a tied head), rather than
  // being a copy for its module alone (modules_to_save).
  bool in_place(std::string_view name) const;
  // Throws Error(kCorruptFile) for a module that modules_to_save names, but whose tensor is not in the file:
  // PEFT cannot load that. tensors: all names of the base ("model.norm.weight"). table, head: those that the
  // base has as one, empty: it has not; Error(kUnsupported) where ensure_weight_tying asks for low-rank parts
  // of both.
  void check_saved(std::span<const std::string> tensors, const std::string& table,
                   const std::string& head) const;
  std::optional<std::string> base_hash() const;
  // Throws Error(kMismatch) naming both hashes when the adapter names another base. One that names none
  // passes.
  void check_base(std::string_view model_hash) const;

 private:
  // Names of the language model within a model with images become those that it has alone; and back.
  std::string own_name(const std::string& name);
  std::string name_for_peft(std::string_view name) const;
  void check_whole(const std::string& who) const;
  void check_targets(const std::string& who) const;
  LoraPair pair_of(const std::string& module, const TensorView& a, const TensorView& b,
                   const TensorView* magnitude) const;

  std::filesystem::path directory_;
  PeftConfig config_;
  SafetensorsReader file_;
  std::vector<LoraPair> pairs_;
  std::optional<LoraPair> embedding_;
  std::vector<TensorView> replaced_;
  std::vector<std::unique_ptr<Tensor>> fused_;         // what pairs of fused modules point to
  std::string_view within_;                            // what own_name() took away; empty: nothing
  std::set<std::string, std::less<>> of_base_layers_;  // names of those that stood as MODULE.base_layer
};

struct LoraSpec {
  std::string module;
  std::int64_t rank = 0, in = 0, out = 0;
  double alpha = 0;        // scaling = alpha / rank (alpha / sqrt(rank) with use_rslora)
  bool magnitude = false;  // it has lengths of its own (DoRA): of all modules or none
  bool embedding = false;  // it is beside an embedding: in is the vocabulary, out the width
};

struct PeftWriterOptions {
  DType dtype = DType::kF32;             // of A and B in the file
  std::string base_hash;                 // empty: none
  std::vector<std::string> all_modules;  // every linear of the base, to shorten target_modules; may be empty
  std::vector<std::string> all_tensors =
      {};                  // every tensor of the base, to shorten modules_to_save; likewise
  Metadata metadata = {};  // further keys
  // Whole tensors that replace the base's, in f32: "model.norm.weight". Weights become modules_to_save, so
  // that only their own module has them; those of modules with a low-rank part, and biases, take the place of
  // the base's tensor.
  std::vector<TensorSpec> replaced = {};
  // Of modules_to_save those that may hold several modules of `replaced`: a head of several layers is saved
  // as one ("classifier"). The other modules of `replaced` follow by themselves.
  std::vector<std::string> saved_modules = {};
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
  // [out], of a module whose spec has one.
  void write_magnitude(std::string_view module, const float* values);
  // One of options.replaced, by its name.
  void write_replaced(std::string_view name, const float* values);
  // Throws Error(kInvalidArgument) naming a module that is missing.
  void finish();
  const PeftConfig& config() const { return config_; }

 private:
  std::filesystem::path directory_;
  PeftConfig config_;
  std::string embedding_;                       // the module of an embedding; empty: none
  std::set<std::string, std::less<>> adapted_;  // modules with a low-rank part
  SafetensorsWriter writer_;
};

}  // namespace lq
