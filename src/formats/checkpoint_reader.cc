#include "formats/checkpoint_reader.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "base/printable.h"
#include "files/json_file.h"
#include "formats/saved_names.h"
#include "formats/stored_layout.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// Says what was found instead of weights, where that helps.
std::string what_is_there(const fs::path& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string extension = entry.path().extension().string();
    if (extension == ".bin" || extension == ".pth" || extension == ".pt") {
      return fmt::format("; {} is pickled: convert it to safetensors first", name);
    }
    if (extension == ".gguf") return fmt::format("; {} is GGUF: name the file itself", name);
    if (extension == ".safetensors") {
      return fmt::format("; {} is there, but neither of these names", name);
    }
  }
  return "";
}

// One of the two ends of a model, which share one tensor where they are tied: indices list both all the same.
bool may_be_shared(std::string_view name) {
  return name.ends_with("lm_head.weight") || name.ends_with("embed_tokens.weight") ||
         name.ends_with("wte.weight");
}

}  // namespace

CheckpointReader::CheckpointReader(const fs::path& directory_or_file, const CheckpointView& view)
    : path_(directory_or_file) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path_, ignored);
  LQ_CHECK(fs::exists(status), kNotFound, "[checkpoint] {}: no such file or directory", path_.string());
  if (!fs::is_directory(status)) {
    directory_ = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    files_.emplace_back(path_);
  } else {
    directory_ = path_;
    const fs::path single = directory_ / "model.safetensors";
    const fs::path index = directory_ / "model.safetensors.index.json";
    if (fs::exists(single, ignored)) {
      files_.emplace_back(single);
    } else {
      LQ_CHECK(fs::exists(index, ignored), kNotFound,
               "[checkpoint] {}: neither model.safetensors nor model.safetensors.index.json{}",
               path_.string(), what_is_there(directory_));
      open_index(index);
    }
  }
  collect(view);
}

CheckpointReader::CheckpointReader(OpenedTensors opened)
    : path_(opened.path),
      directory_(path_.has_parent_path() ? path_.parent_path() : fs::path(".")),
      other_(std::move(opened)) {
  tensors_ = std::move(other_.tensors);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    total_bytes_ += tensors_[i].bytes;
    index_.emplace(tensors_[i].name(), i);
  }
}

void CheckpointReader::open_index(const fs::path& index) {
  const std::string who = "[checkpoint] " + index.string();
  const nlohmann::json json = read_json(index);
  LQ_CHECK(json.is_object() && json.contains("weight_map") && json["weight_map"].is_object(), kCorruptFile,
           "{}: no object 'weight_map'", who);
  const auto& map = json["weight_map"];
  std::set<std::string> names;
  for (const auto& [tensor, file] : map.items()) {
    LQ_CHECK(file.is_string(), kCorruptFile, "{}: {}: a file name was expected", who, printable(tensor));
    const auto& name = file.get_ref<const std::string&>();
    // A shard lies beside its index: nothing else is opened because a file says so.
    LQ_CHECK(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                 name.find('\0') == std::string::npos,
             kCorruptFile, "{}: {}: '{}' is not a file name", who, printable(tensor), printable(name));
    names.insert(name);
  }
  for (const std::string& name : names) {
    std::error_code ignored;
    LQ_CHECK(fs::exists(directory_ / name, ignored), kNotFound, "{}: the shard {} is missing", who, name);
    files_.emplace_back(directory_ / name);
  }
  for (const auto& [name, file] : map.items()) {
    const std::string& tensor = name;
    // A tensor that lies in another shard than the index says is there all the same.
    const bool there = std::ranges::any_of(
        files_, [&](const SafetensorsReader& shard) { return shard.find(tensor) != nullptr; });
    if (there) continue;
    const auto& shard = file.get_ref<const std::string&>();
    LQ_CHECK(may_be_shared(tensor), kCorruptFile, "{}: {} should be in {}, but is not", who,
             printable(tensor), printable(shard));
    absent_.emplace(tensor, shard);
  }
}

void CheckpointReader::collect(const CheckpointView& as) {
  std::vector<TensorView> all;
  std::unordered_map<std::string_view, const SafetensorsReader*> owner;
  for (const SafetensorsReader& file : files_) {
    for (const TensorView& view : file.tensors()) {
      const auto [it, first] = owner.emplace(view.name(), &file);
      LQ_CHECK(first, kCorruptFile, "[checkpoint] {}: {} is in two shards, {} and {}", path_.string(),
               printable(view.name()), it->second->path().filename().string(),
               file.path().filename().string());
      all.push_back(view);
    }
  }
  if (as.normalized) {
    std::vector<std::string> names;
    for (const TensorView& view : all) names.push_back(view.name());
    names = normalized_names(names, "[checkpoint] " + path_.string());
    for (std::size_t i = 0; i < all.size(); ++i) all[i].spec.name = std::move(names[i]);
  }
  if (as.config != nullptr) all = own_layout(*as.config, std::move(all), "[checkpoint] " + path_.string());
  for (TensorView& view : all) {
    const auto block = as.blocks ? block_of(view.name()) : std::nullopt;
    if (block && *block >= *as.blocks) {
      left_out_.push_back(view.name());
      continue;
    }
    total_bytes_ += view.bytes;
    index_.emplace(view.name(), tensors_.size());
    tensors_.push_back(std::move(view));
  }
}

const TensorView* CheckpointReader::find(std::string_view name) const {
  const auto it = index_.find(std::string(name));
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

const TensorView& CheckpointReader::at(std::string_view name) const {
  const TensorView* view = find(name);
  if (view != nullptr) return *view;
  const auto listed = absent_.find(name);
  const std::string where =
      listed == absent_.end() ? "" : fmt::format("; the index puts it in {}", printable(listed->second));
  fail(ErrorCode::kNotFound, "[checkpoint] {}: no tensor '{}'{}", path_.string(), printable(name), where);
}

std::string CheckpointReader::model_hash(ThreadPool& pool, const StopToken& stop) const {
  std::vector<const TensorView*> views;
  for (const TensorView& view : other_.stored) views.push_back(&view);
  for (const SafetensorsReader& file : files_) {
    for (const TensorView& view : file.tensors()) views.push_back(&view);
  }
  return hash_of(views, pool, stop);
}

std::string CheckpointReader::hash_of(const std::vector<const TensorView*>& views, ThreadPool& pool,
                                      const StopToken& stop) const {
  // Chunks of fixed size are hashed on any thread; their digests are joined in the order of names.
  constexpr std::size_t kChunk = std::size_t{16} << 20;
  std::vector<const TensorView*> sorted = views;
  std::sort(sorted.begin(), sorted.end(),
            [](const TensorView* x, const TensorView* y) { return x->name() < y->name(); });
  std::vector<TensorView> chunks;
  for (const TensorView* view : sorted) {
    for (std::size_t at = 0; at < view->bytes; at += kChunk) {
      TensorView chunk;
      chunk.data = view->data + at;
      chunk.bytes = std::min(kChunk, view->bytes - at);
      chunk.mapped = view->mapped;
      chunks.push_back(std::move(chunk));
    }
  }
  std::vector<std::string> digests(chunks.size());
  pool.run(static_cast<std::int64_t>(chunks.size()), [&](std::int64_t i) {
    stop.check();
    const TensorView& chunk = chunks[static_cast<std::size_t>(i)];
    digests[static_cast<std::size_t>(i)] = hash_hex({reinterpret_cast<const char*>(chunk.data), chunk.bytes});
    drop(chunk);
  });

  Hasher all;
  all.update(fmt::format("lqlora model {}\n", kModelHashVersion));
  std::size_t next = 0;
  for (const TensorView* view : sorted) {
    all.update(fmt::format("{}:{} {} {}\n", view->name().size(), view->name(), view->stored_type(),
                           shape_text(view->shape())));
    for (std::size_t at = 0; at < view->bytes; at += kChunk) all.update(digests[next++]);
  }
  return all.hex();
}

}  // namespace lq
