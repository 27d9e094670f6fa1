#include "formats/sharded_writer.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"

namespace lq {

ShardPlan plan_shards(const std::vector<TensorSpec>& specs, const ShardOptions& options) {
  ShardPlan plan;
  plan.shards.emplace_back();
  std::uint64_t used = 0;
  for (const TensorSpec& spec : specs) {
    const std::uint64_t bytes = spec.bytes();
    if (!plan.shards.back().specs.empty() && used + bytes > options.max_shard_bytes) {
      plan.shards.emplace_back();
      used = 0;
    }
    used += bytes;
    plan.total_bytes += bytes;
    plan.shards.back().specs.push_back(spec);
  }
  const std::size_t count = plan.shards.size();
  if (count == 1) {
    plan.shards[0].file = options.stem + ".safetensors";
    return plan;
  }
  for (std::size_t i = 0; i < count; ++i) {
    plan.shards[i].file = fmt::format("{}-{:05}-of-{:05}.safetensors", options.stem, i + 1, count);
  }
  plan.index_file = options.stem + ".safetensors.index.json";
  return plan;
}

ShardedWriter::ShardedWriter(std::filesystem::path directory, const std::vector<TensorSpec>& specs,
                             ShardOptions options)
    : directory_(std::move(directory)), options_(std::move(options)), plan_(plan_shards(specs, options_)) {
  for (std::size_t i = 0; i < plan_.shards.size(); ++i) {
    for (const TensorSpec& spec : plan_.shards[i].specs) {
      LQ_CHECK(shard_of_.emplace(spec.name, i).second, kInvalidArgument,
               "[safetensors] {}: {}: the name occurs twice", directory_.string(), printable(spec.name));
    }
  }
  for (const auto& shard : plan_.shards) {
    writers_.push_back(
        std::make_unique<SafetensorsWriter>(directory_ / shard.file, shard.specs, options_.metadata));
  }
}

std::size_t ShardedWriter::shard_of(std::string_view name) const {
  const auto it = shard_of_.find(std::string(name));
  LQ_CHECK(it != shard_of_.end(), kInvalidArgument, "[safetensors] {}: no tensor '{}' was announced",
           directory_.string(), printable(name));
  return it->second;
}

SafetensorsWriter& ShardedWriter::writer(std::size_t shard) {
  LQ_CHECK(writers_[shard] != nullptr, kInvalidArgument,
           "[safetensors] {}: all its tensors are written already",
           (directory_ / plan_.shards[shard].file).string());
  return *writers_[shard];
}

void ShardedWriter::settle(std::size_t shard) {
  if (!writers_[shard]->complete()) return;
  writers_[shard]->finish();
  writers_[shard].reset();
}

void ShardedWriter::append(std::string_view name, const void* bytes, std::size_t size) {
  if (size == 0) return;
  const std::size_t shard = shard_of(name);
  writer(shard).append(name, bytes, size);
  settle(shard);
}

void ShardedWriter::put(std::string_view name, std::uint64_t offset, const void* bytes, std::size_t size) {
  if (size == 0) return;
  const std::size_t shard = shard_of(name);
  writer(shard).put(name, offset, bytes, size);
  settle(shard);
}

void ShardedWriter::write(std::string_view name, const Tensor& tensor) {
  if (tensor.bytes() == 0) return;
  const std::size_t shard = shard_of(name);
  writer(shard).write(name, tensor);
  settle(shard);
}

void ShardedWriter::write_f32(std::string_view name, const float* values) {
  const std::size_t shard = shard_of(name);
  writer(shard).write_f32(name, values);
  settle(shard);
}

std::vector<std::string> ShardedWriter::finish() {
  std::vector<std::string> files;
  for (std::size_t i = 0; i < plan_.shards.size(); ++i) {
    if (writers_[i]) {
      writers_[i]->finish();  // throws, naming a tensor, unless all its tensors are empty
      writers_[i].reset();
    }
    files.push_back(plan_.shards[i].file);
  }
  if (!plan_.index_file.empty()) {
    nlohmann::json index;
    index["metadata"]["total_size"] = plan_.total_bytes;
    auto& map = index["weight_map"] = nlohmann::json::object();
    for (const auto& shard : plan_.shards) {
      for (const TensorSpec& spec : shard.specs) map[spec.name] = shard.file;
    }
    write_json(directory_ / plan_.index_file, index);
    files.push_back(plan_.index_file);
  }
  return files;
}

}  // namespace lq
