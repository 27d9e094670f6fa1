// What a LlamaModel holds. Internal to src/models.
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
#include "models/llama_model.h"

namespace lq {

struct LlamaModel::State {
  std::filesystem::path directory;
  JsonObject hf;
  LlamaConfig config;
  // One of the two: they own the mapped files.
  std::unique_ptr<CheckpointReader> dense;
  std::unique_ptr<PackedCheckpoint> packed;
  std::list<Parameter> parameters;  // addresses stay
  std::map<std::string, Parameter*, std::less<>> by_name;
  Parameter* embedding = nullptr;
  std::vector<LlamaBlock> blocks;
  std::unique_ptr<LmHead> head;

  State(JsonObject h, LlamaConfig c) : hf(std::move(h)), config(std::move(c)) {}
  // A parameter's value becomes the adapter's. A tied head stays tied to the embeddings unless it is replaced
  // itself. Throws Error(kMismatch), Error(kUnsupported) naming the adapter and the tensor.
  void replace(const TensorView& view, const std::filesystem::path& adapter);
  const CheckpointReader& reader() const { return packed ? packed->reader() : *dense; }
};

}  // namespace lq
