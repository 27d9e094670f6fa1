#include "formats/safetensors_reader.h"

#include "base/error.h"
#include "base/printable.h"

namespace lq {

SafetensorsReader::SafetensorsReader(std::filesystem::path path) : path_(std::move(path)), file_(path_) {
  const std::string who = "[safetensors] " + path_.string();
  const std::uint64_t length = safetensors_header_length(file_.data(), file_.size(), who);
  SafetensorsHeader header = parse_safetensors_header(file_.text().substr(8, length), file_.size(), who);
  metadata_ = std::move(header.metadata);
  tensors_.reserve(header.entries.size());
  for (auto& entry : header.entries) {
    index_.emplace(entry.spec.name, tensors_.size());
    const std::byte* data = file_.data() + header.data_begin + entry.begin;
    tensors_.push_back({std::move(entry.spec), data, entry.end - entry.begin, true});
  }
}

const TensorView* SafetensorsReader::find(std::string_view name) const {
  const auto it = index_.find(std::string(name));
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

const TensorView& SafetensorsReader::at(std::string_view name) const {
  const TensorView* view = find(name);
  LQ_CHECK(view != nullptr, kNotFound, "[safetensors] {}: no tensor '{}'", path_.string(), printable(name));
  return *view;
}

}  // namespace lq
