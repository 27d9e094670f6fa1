// A model's files, opened once and handed on: tensors, config.json, and the hash of the content.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/parallel.h"
#include "base/stop.h"
#include "files/folder.h"
#include "files/json_object.h"
#include "formats/checkpoint_reader.h"
#include "formats/packed_checkpoint.h"

namespace lq {

class Checkpoint;
// How jobs, their stages and Model::load are given a model: whoever names it opens it, once.
using CheckpointPtr = std::shared_ptr<const Checkpoint>;

// Thread-safe. Views into it stay valid while it lives, also when the files are renamed or removed meanwhile.
class Checkpoint {
 public:
  // What a path must be to be a model, for every verb: a directory with weights as Hugging Face lays them
  // out (sharded or not), dense or packed by us; or one .safetensors file, whose config.json and tokenizer
  // are looked for beside it; or a GGUF file, of which all of that is made (formats/gguf/); or
  // hf:ORG/NAME, which lqlora pull has fetched (hub/hub_cache.h). The tensors of a dense model have the
  // names that its own save_pretrained gives them (saved_names.h), and blocks beyond config.json's
  // num_hidden_layers are left out, as transformers does. Throws what CheckpointReader and
  // PackedCheckpoint throw.
  static CheckpointPtr open(const std::filesystem::path& path);

  // As given.
  const std::filesystem::path& path() const { return reader_->path(); }
  // Where config.json, the tokenizer and other side files lie; of a GGUF file the folder that it lies in.
  const std::filesystem::path& directory() const { return reader_->directory(); }
  // The tokenizer and the other small files: of directory(), or made of a GGUF file.
  const Folder& folder() const { return folder_; }
  // Throws Error(kNotFound) naming the file where there is no config.json: weights alone can be hashed,
  // inspected and compared, but not computed with.
  const JsonObject& config() const;
  const CheckpointReader& reader() const { return *reader_; }

  // Whether this is the language model within a dense model with images, whose names begin otherwise.
  bool within_images() const { return within_images_; }
  bool is_packed() const { return packed_.has_value(); }
  // Throws Error(kMismatch) for a dense model.
  const PackedCheckpoint& packed() const;
  // Throws Error(kInvalidArgument) for a packed model: "...is packed already; VERB the dense model it was
  // made from".
  void require_dense(std::string_view verb) const;

  // CheckpointReader::model_hash, computed at the first call and known from then on. Throws
  // Error(kInterrupted) when asked to stop; a later call begins anew.
  const std::string& hash(ThreadPool& pool, const StopToken& stop = {}) const;
  // Of config.json: two models with the same tensors may compute different things by it. "" where there is
  // none.
  std::string config_hash() const;
  // What adapters name as their base: of a packed model what its config.json says, else hash().
  const std::string& base_hash(ThreadPool& pool, const StopToken& stop = {}) const;
  // How often every byte was read for hash(): 0 or 1.
  int times_hashed() const;

 private:
  explicit Checkpoint(const std::filesystem::path& path);

  std::shared_ptr<const CheckpointReader> reader_;
  Folder folder_;
  std::optional<JsonObject> config_;
  std::optional<PackedCheckpoint> packed_;
  bool within_images_ = false;
  mutable std::mutex mutex_;
  mutable std::string hash_;  // empty: not yet known
  mutable int times_hashed_ = 0;
};

}  // namespace lq
