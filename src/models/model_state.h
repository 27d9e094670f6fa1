// What a Model holds. Internal to src/models.
#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/peft_adapter.h"
#include "models/model.h"
#include "models/registry.h"
#include "models/tied_embeddings.h"

namespace lq {

struct Model::State {
  CheckpointPtr checkpoint;  // owns the mapped files
  ModelSpec spec;
  TensorNames names;
  std::list<Parameter> parameters;  // addresses stay
  std::map<std::string, Parameter*, std::less<>> by_name;
  std::unique_ptr<Embedding> embedding;
  Parameter* positions = nullptr;     // learned ones, where the model has them
  Parameter* types = nullptr;         // of tokens, likewise
  Norm embedding_norm;                // likewise
  std::vector<std::string> replaced;  // by adapters, whole
  std::vector<TransformerBlock> blocks;
  std::unique_ptr<NextTokenHead> head;    // null: the model has none
  std::unique_ptr<LabelHead> label_head;  // likewise
  std::vector<std::string> fresh;         // parameters of label_head that no checkpoint had
  const LoraDropout* dropout = nullptr;   // what every linear has
  std::uint64_t changes = 0;              // how often something went to a device
  std::uint64_t weights_version = 0;      // see Model::weights_changed

  explicit State(CheckpointPtr from)
      : checkpoint(std::move(from)),
        spec(model_spec(checkpoint->config())),
        names(names_in(reader(), model_family(checkpoint->config()).names)) {
    spec.tied_embeddings = shares_embeddings(reader(), names, spec.tied_embeddings);
  }
  std::vector<Module> modules();
  // A, B and magnitudes of the adapter's parts that are not fixed.
  std::vector<Parameter*> adapter_parameters();
  bool tied() const {
    return head != nullptr && head->projection().weight().parameter() == &embedding->table();
  }
  // A parameter's value becomes the adapter's. in_place: for all who share it; else for the module that the
  // name says, and the other of a tied pair keeps the value it had. Throws Error(kMismatch),
  // Error(kUnsupported) naming the adapter and the tensor.
  void replace(const TensorView& view, bool in_place, const std::filesystem::path& adapter);
  // Throws Error(kCorruptFile), Error(kUnsupported), Error(kMismatch) for an adapter that PEFT could not load
  // beside this model, or would not load as it is.
  void check_adapter(const PeftAdapterReader& reader, const std::filesystem::path& adapter);
  // Whether anything below the first block has a gradient.
  bool input_learns() const {
    const auto learns = [](const Parameter* p) { return p != nullptr && p->trainable(); };
    return embedding->learns() || learns(positions) || learns(types) ||
           (embedding_norm && embedding_norm.learns());
  }
  // Whether all are tokens of the vocabulary (targets: or ignored).
  bool has(std::span<const std::int32_t> ids, std::span<const std::int32_t> targets) const;
  // x += the rows of positions and token types.
  void add_tables(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids, Matrix x) const;
  // Both tables of angles that the model's layers use, for sequences of up to `longest` tokens.
  void set_ropes(Context& ctx, std::int64_t longest, SequencePlan& plan) const;
  // The head gets a parameter of its own with the value that it shared; embedding and head have one each.
  void untie();
  const CheckpointReader& reader() const { return checkpoint->reader(); }
  std::string path() const { return checkpoint->path().string(); }
  // Whether this weight is stored packed.
  bool packs(const std::string& weight) const {
    return checkpoint->is_packed() && checkpoint->packed().packed().modules.contains(weight);
  }
};

}  // namespace lq
