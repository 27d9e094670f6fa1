// A model directory whose matrices are packed by us: config.json's quantization_config names them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "files/json_object.h"
#include "formats/checkpoint_reader.h"
#include "formats/packed_module.h"

namespace lq {

// What quantization_config says.
struct PackedModules {
  std::map<std::string, PackedModule> modules;  // by the weight's full name
  std::string model_hash;   // CheckpointReader::model_hash of the packed tensors; adapters name it
  std::string source_hash;  // of the dense model it was made from
};

// The value of config.json's key "quantization_config", in version 2.
nlohmann::ordered_json packed_modules_to_json(const PackedModules& packed);

// True when config.json has a quantization_config of ours; false without one, and for gpt-oss in MXFP4, whose
// codes are read as they lie. Throws Error(kUnsupported) when it has one of another program (naming its
// quant_method), so that nobody reads foreign codes as weights.
bool is_packed(const JsonObject& config);

// REQUIRES: is_packed(config). Versions 1 and 2. Throws Error(kUnsupported) for another one,
// Error(kCorruptFile) for bad entries.
PackedModules packed_modules_from_config(const JsonObject& config);

// Movable; matrices borrow from the mapped files, which live as long as any of them.
class PackedCheckpoint {
 public:
  // Opens config.json and the weights. Throws what those throw, Error(kNotFound) naming a missing part of a
  // packed matrix, and Error(kMismatch) where DIRECTORY is not packed.
  explicit PackedCheckpoint(const std::filesystem::path& directory);
  // The same of what is open already.
  PackedCheckpoint(JsonObject config, std::shared_ptr<const CheckpointReader> reader);
  // A dense model as one of which no matrix is packed. packed: what adapters name (both hashes), no modules.
  PackedCheckpoint(JsonObject config, std::shared_ptr<const CheckpointReader> reader, PackedModules packed)
      : config_(std::move(config)), packed_(std::move(packed)), reader_(std::move(reader)) {}

  const JsonObject& config() const { return config_; }
  const PackedModules& packed() const { return packed_; }
  const CheckpointReader& reader() const { return *reader_; }
  // Tensors that are not part of a packed matrix, in the reader's order.
  std::vector<const TensorView*> dense_tensors() const;
  // Throws Error(kNotFound) for a name that is not packed, Error(kCorruptFile) for damaged parts.
  PackedMatrix matrix(const std::string& name) const;

 private:
  JsonObject config_;
  PackedModules packed_;
  std::shared_ptr<const CheckpointReader> reader_;
};

}  // namespace lq
