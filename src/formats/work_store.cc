#include "formats/work_store.h"

#include "base/error.h"
#include "base/hash.h"
#include "files/json_file.h"
#include "formats/safetensors_writer.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// Over everything that get() returns: names, types, shapes and bytes in the file's order, and the info.
template <typename Tensors, typename Bytes>
std::string checksum(std::string_view name, std::string_view info, const Tensors& tensors,
                     const Bytes& bytes_of) {
  Hasher hasher;
  hasher.update(fmt::format("{}:{}{}:{}", name.size(), name, info.size(), info));
  for (const auto& tensor : tensors) {
    const TensorSpec& spec = tensor.spec;
    hasher.update(fmt::format("{}:{} {} {}\n", spec.name.size(), spec.name, dtype_name(spec.dtype),
                              shape_text(spec.shape)));
    const auto [data, size] = bytes_of(tensor);
    hasher.update(data, size);
  }
  return hasher.hex();
}

}  // namespace

WorkStore::WorkStore(fs::path directory) : directory_(std::move(directory)) {
  std::error_code error;
  fs::create_directories(directory_, error);
  LQ_CHECK(!error, kIo, "[work] {}: cannot create the directory: {}", directory_.string(), error.message());
}

fs::path WorkStore::file_of(std::string_view name) const {
  // Readable for people, unique by the hash: names may hold any character and be of any length.
  std::string readable(name.substr(0, 100));
  for (char& c : readable) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return directory_ / fmt::format("{}-{}.safetensors", hash_hex(name).substr(0, 16), readable);
}

void WorkStore::put(std::string_view name, const std::vector<std::pair<std::string, const Tensor*>>& tensors,
                    const nlohmann::json& info) const {
  std::vector<TensorSpec> specs;
  for (const auto& [key, tensor] : tensors) specs.push_back({key, tensor->dtype(), tensor->shape()});
  // The hash runs in the order of the file, which is the writer's to choose.
  SafetensorsHeader layout;
  make_safetensors_header(specs, {}, layout);
  const std::string text = info.dump();
  const std::string sum = checksum(name, text, layout.entries, [&](const SafetensorsHeader::Entry& entry) {
    for (const auto& [key, tensor] : tensors) {
      if (key == entry.spec.name) return std::pair(tensor->raw(), tensor->bytes());
    }
    fail(ErrorCode::kInternal, "[work] {}: {} vanished", name, entry.spec.name);
  });
  SafetensorsWriter writer(file_of(name), specs,
                           {{"name", std::string(name)}, {"info", text}, {"checksum", sum}});
  for (const auto& [key, tensor] : tensors) writer.write(key, *tensor);
  writer.finish();
}

std::optional<WorkItem> WorkStore::get(std::string_view name) const {
  const fs::path file = file_of(name);
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  try {
    SafetensorsReader reader(file);
    const Metadata& metadata = reader.metadata();
    const auto stored_name = metadata.find("name");
    const auto info = metadata.find("info");
    const auto sum = metadata.find("checksum");
    if (stored_name == metadata.end() || info == metadata.end() || sum == metadata.end()) return std::nullopt;
    if (stored_name->second != name) return std::nullopt;
    const std::string seen = checksum(name, info->second, reader.tensors(), [](const TensorView& view) {
      return std::pair(view.data, view.bytes);
    });
    if (seen != sum->second) return std::nullopt;
    nlohmann::json parsed = parse_json(info->second, "[work] " + file.string());
    return WorkItem{std::move(reader), std::move(parsed)};
  } catch (const Error& e) {
    // Damage is absence: the piece is computed again. A file that cannot be read at all is the user's to see.
    if (e.code() == ErrorCode::kCorruptFile || e.code() == ErrorCode::kUnsupported) return std::nullopt;
    throw;
  }
}

void WorkStore::erase(std::string_view name) const {
  std::error_code error;
  fs::remove(file_of(name), error);
  LQ_CHECK(!error, kIo, "[work] {}: cannot remove: {}", file_of(name).string(), error.message());
}

}  // namespace lq
