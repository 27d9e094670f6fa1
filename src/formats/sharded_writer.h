// Writes a checkpoint as Hugging Face stores it: one `model.safetensors` where it fits, else
// `model-00001-of-00003.safetensors`, ... and `model.safetensors.index.json`.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/safetensors_writer.h"

namespace lq {

struct ShardOptions {
  std::uint64_t max_shard_bytes = 5'000'000'000;  // of tensor data; Hugging Face's default
  std::string stem = "model";
  Metadata metadata = {{"format", "pt"}};  // transformers refuses a file without it
};

struct ShardPlan {
  struct Shard {
    std::string file;  // name within the directory
    std::vector<TensorSpec> specs;
  };
  std::vector<Shard> shards;
  std::string index_file;  // empty when there is one shard
  std::uint64_t total_bytes = 0;
};

// Cuts the list, in its order, into shards of at most max_shard_bytes; a larger tensor has one to itself.
ShardPlan plan_shards(const std::vector<TensorSpec>& specs, const ShardOptions& options);

// Reserves the space of every shard at once, so that a full disk shows before the work and not after. Tensors
// may come in any order, in pieces; a shard is committed when its last byte arrives, the index by finish().
// Not thread-safe. Memory: headers only.
class ShardedWriter {
 public:
  ShardedWriter(std::filesystem::path directory, const std::vector<TensorSpec>& specs,
                ShardOptions options = {});

  const ShardPlan& plan() const { return plan_; }
  void append(std::string_view name, const void* bytes, std::size_t size);
  void put(std::string_view name, std::uint64_t offset, const void* bytes, std::size_t size);
  void write(std::string_view name, const Tensor& tensor);
  void write_f32(std::string_view name, const float* values);
  // Writes the index; returns the names of all files written. Throws Error(kInvalidArgument) naming a tensor
  // that lacks bytes.
  std::vector<std::string> finish();

 private:
  SafetensorsWriter& writer(std::size_t shard);
  std::size_t shard_of(std::string_view name) const;
  void settle(std::size_t shard);

  std::filesystem::path directory_;
  ShardOptions options_;
  ShardPlan plan_;
  std::unordered_map<std::string, std::size_t> shard_of_;
  std::vector<std::unique_ptr<SafetensorsWriter>> writers_;  // null: done
};

}  // namespace lq
