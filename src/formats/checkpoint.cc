#include "formats/checkpoint.h"

#include "base/error.h"
#include "base/hash.h"
#include "formats/config_file.h"
#include "formats/gguf/gguf_checkpoint.h"
#include "formats/gguf/gguf_header.h"
#include "formats/stored_layout.h"
#include "hub/hub_cache.h"

namespace lq {
namespace {

// Whoever computes with the model says what is wrong with another value.
std::optional<std::int64_t> blocks_of(const JsonObject& config) {
  const auto& json = config.json();
  const auto found = json.find("num_hidden_layers");
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::int64_t>();
}

}  // namespace

CheckpointPtr Checkpoint::open(const std::filesystem::path& path) {
  return CheckpointPtr(new Checkpoint(hub::local_model(path)));
}

Checkpoint::Checkpoint(const std::filesystem::path& path) : folder_(path) {
  if (is_gguf(path)) {
    GgufCheckpoint gguf = open_gguf_checkpoint(path);
    reader_ = std::make_shared<const CheckpointReader>(std::move(gguf.tensors));
    folder_ = std::move(gguf.folder);
    config_ = std::move(gguf.config);
    return;
  }
  std::error_code ignored;
  const std::filesystem::path directory =
      std::filesystem::is_directory(path, ignored) ? path : path.parent_path();
  if (std::filesystem::exists(directory / kConfigName, ignored)) config_ = load_config(directory);
  const bool packed = config_ && lq::is_packed(*config_);
  CheckpointView view;
  const std::optional<JsonObject> whole = config_;
  if (config_) {
    if (auto inner = language_model_config(*config_)) {
      config_ = std::move(*inner);
      within_images_ = true;
    }
  }
  if (!packed) {
    // What the reader hands on is decoded.
    if (config_ && config_->section_if("quantization_config")) config_->json().erase("quantization_config");
    view.normalized = true;
    if (config_) view.blocks = blocks_of(*config_);
    if (whole) view.config = &*whole;
  }
  reader_ = std::make_shared<const CheckpointReader>(path, view);
  folder_ = Folder(reader_->directory());
  if (packed) packed_.emplace(*config_, reader_);
}

const JsonObject& Checkpoint::config() const {
  LQ_CHECK(config_.has_value(), kNotFound, "[config] {}: no such file", (directory() / kConfigName).string());
  return *config_;
}

const PackedCheckpoint& Checkpoint::packed() const {
  LQ_CHECK(packed_.has_value(), kMismatch,
           "{}: this model is dense, but a packed one is expected (see lqlora quantize)", path().string());
  return *packed_;
}

void Checkpoint::require_dense(std::string_view verb) const {
  LQ_CHECK(!is_packed(), kInvalidArgument,
           "{}: this model is packed already; {} the dense model it was made from", path().string(), verb);
}

const std::string& Checkpoint::hash(ThreadPool& pool, const StopToken& stop) const {
  const std::lock_guard lock(mutex_);
  if (hash_.empty()) {
    hash_ = reader_->model_hash(pool, stop);
    ++times_hashed_;
  }
  return hash_;
}

std::string Checkpoint::config_hash() const {
  return config_ ? hash_hex(config_->json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
                 : "";
}

const std::string& Checkpoint::base_hash(ThreadPool& pool, const StopToken& stop) const {
  return is_packed() ? packed_->packed().model_hash : hash(pool, stop);
}

int Checkpoint::times_hashed() const {
  const std::lock_guard lock(mutex_);
  return times_hashed_;
}

}  // namespace lq
