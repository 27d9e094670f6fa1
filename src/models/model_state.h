// What a Model holds. Internal to src/models.
#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/checkpoint_reader.h"
#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "models/model.h"

namespace lq {

struct Model::State {
  std::filesystem::path directory;
  JsonObject hf;
  ModelSpec spec;
  TensorNames names;
  // One of the two: they own the mapped files.
  std::unique_ptr<CheckpointReader> dense;
  std::unique_ptr<PackedCheckpoint> packed;
  std::list<Parameter> parameters;  // addresses stay
  std::map<std::string, Parameter*, std::less<>> by_name;
  Parameter* embedding = nullptr;
  std::vector<TransformerBlock> blocks;
  std::unique_ptr<NextTokenHead> head;

  State(JsonObject h, ModelSpec s, TensorNames n)
      : hf(std::move(h)), spec(std::move(s)), names(std::move(n)) {}
  std::vector<Module> modules();
  // A parameter's value becomes the adapter's. A tied head stays tied to the embeddings unless it is replaced
  // itself. Throws Error(kMismatch), Error(kUnsupported) naming the adapter and the tensor.
  void replace(const TensorView& view, const std::filesystem::path& adapter);
  const CheckpointReader& reader() const { return packed ? packed->reader() : *dense; }
};

}  // namespace lq
