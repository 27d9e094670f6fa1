// The tensors of a model directory as Hugging Face lays it out: `model.safetensors`, or the shards that
// `model.safetensors.index.json` names. Also opens a single .safetensors file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/parallel.h"
#include "base/stop.h"
#include "files/json_object.h"
#include "formats/safetensors_reader.h"
#include "tensor/tensor_view.h"

namespace lq {

// Format of model_hash(); it is kept in adapters and work folders: never renumber.
constexpr int kModelHashVersion = 1;

// A model's tensors that the reader of another container has opened.
struct OpenedTensors {
  std::filesystem::path path;
  std::vector<TensorView> stored;   // as they lie in the files, by the names there: what is hashed
  std::vector<TensorView> tensors;  // those of the model, by its names
  std::size_t files = 1;
  std::shared_ptr<const void> owner;  // keeps what the views point into
};

// How the tensors in the files become those of a model.
struct CheckpointView {
  bool normalized = false;  // names by normalized_names() (saved_names.h)
  // Blocks that the model has: "model.layers.N." beyond them are in the files, but not of the model.
  std::optional<std::int64_t> blocks = {};
  // The model's config.json, of an architecture whose files lie otherwise (stored_layout.h); null: as they
  // are.
  const JsonObject* config = nullptr;
};

// Move-only; views stay valid while it lives. Thread-safe after construction.
class CheckpointReader {
 public:
  // Throws Error(kNotFound) when there is no such directory or no weights in it (saying so when there are
  // only pickled ones), or a shard is missing; Error(kCorruptFile) when no shard has a tensor that the index
  // lists (but for heads and embeddings, which a model may share: at() says so of them), or a tensor lies in
  // two shards; what SafetensorsReader throws, and normalized_names().
  explicit CheckpointReader(const std::filesystem::path& directory_or_file, const CheckpointView& view = {});

  explicit CheckpointReader(OpenedTensors opened);

  // As given.
  const std::filesystem::path& path() const { return path_; }
  // The directory that holds config.json and the tokenizer.
  const std::filesystem::path& directory() const { return directory_; }
  // Shard by shard (by file name), within a shard by position in the file.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const TensorView* find(std::string_view name) const;
  // Throws Error(kNotFound) naming the directory and the tensor.
  const TensorView& at(std::string_view name) const;
  // Names of tensors in the files that are not the model's (CheckpointView::blocks), in the order of
  // tensors().
  const std::vector<std::string>& left_out() const { return left_out_; }
  // Sum over tensors(), in bytes.
  std::uint64_t total_bytes() const { return total_bytes_; }
  const std::vector<SafetensorsReader>& files() const { return files_; }
  std::size_t file_count() const { return other_.owner ? other_.files : files_.size(); }

  // Identity of the content: 32 hexadecimal digits of XXH3-128 over all tensors in the files, sorted by name
  // (name in the file, dtype, shape, bytes), so independent of sharding, order in the file and metadata.
  // Reads every byte once and gives the pages back. The same on any number of threads. Throws
  // Error(kInterrupted) when asked to stop.
  std::string model_hash(ThreadPool& pool, const StopToken& stop = {}) const;
  // The same over some tensors, by the names in the views.
  std::string hash_of(const std::vector<const TensorView*>& views, ThreadPool& pool,
                      const StopToken& stop = {}) const;

 private:
  void open_index(const std::filesystem::path& index);
  void collect(const CheckpointView& view);

  std::filesystem::path path_;
  std::filesystem::path directory_;
  std::vector<SafetensorsReader> files_;
  OpenedTensors other_;  // instead of files_
  std::vector<TensorView> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
  std::map<std::string, std::string, std::less<>> absent_;  // listed by the index, in no shard: name, shard
  std::vector<std::string> left_out_;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace lq
