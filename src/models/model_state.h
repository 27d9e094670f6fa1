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
  Parameter* embedding = nullptr;
  std::vector<TransformerBlock> blocks;
  std::unique_ptr<NextTokenHead> head;

  explicit State(CheckpointPtr from)
      : checkpoint(std::move(from)),
        spec(model_spec(checkpoint->config())),
        names(model_family(checkpoint->config()).names) {
    spec.tied_embeddings = shares_embeddings(reader(), names, spec.tied_embeddings);
  }
  std::vector<Module> modules();
  // A parameter's value becomes the adapter's. A tied head stays tied to the embeddings unless it is replaced
  // itself. Throws Error(kMismatch), Error(kUnsupported) naming the adapter and the tensor.
  void replace(const TensorView& view, const std::filesystem::path& adapter);
  const CheckpointReader& reader() const { return checkpoint->reader(); }
  std::string path() const { return checkpoint->path().string(); }
  // Whether this weight is stored packed.
  bool packs(const std::string& weight) const {
    return checkpoint->is_packed() && checkpoint->packed().packed().modules.contains(weight);
  }
};

}  // namespace lq
