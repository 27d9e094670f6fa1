#include "formats/gguf/gguf_writer.h"

#include <cstring>
#include <set>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

constexpr std::uint32_t kGgufVersion = 3;
constexpr std::uint64_t kGgufAlignment = 32;  // the format's default, so that no key names it

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

std::uint64_t aligned(std::uint64_t at) {
  return (at + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment;
}

}  // namespace

void GgufKeys::begin(std::string_view key, GgufType type) {
  ++count_;
  put_text(bytes_, key);
  put(bytes_, static_cast<std::uint32_t>(type));
}

void GgufKeys::begin_array(std::string_view key, GgufType of, std::uint64_t count) {
  begin(key, GgufType::kArray);
  put(bytes_, static_cast<std::uint32_t>(of));
  put(bytes_, count);
}

void GgufKeys::u32(std::string_view key, std::uint32_t value) {
  begin(key, GgufType::kU32);
  put(bytes_, value);
}

void GgufKeys::f32(std::string_view key, float value) {
  begin(key, GgufType::kF32);
  put(bytes_, value);
}

void GgufKeys::flag(std::string_view key, bool value) {
  begin(key, GgufType::kBool);
  put(bytes_, static_cast<std::uint8_t>(value ? 1 : 0));
}

void GgufKeys::text(std::string_view key, std::string_view value) {
  begin(key, GgufType::kString);
  put_text(bytes_, value);
}

void GgufKeys::texts(std::string_view key, const std::vector<std::string>& values) {
  begin_array(key, GgufType::kString, values.size());
  for (const std::string& value : values) put_text(bytes_, value);
}

void GgufKeys::flags(std::string_view key, const std::vector<bool>& values) {
  begin_array(key, GgufType::kBool, values.size());
  for (const bool value : values) put(bytes_, static_cast<std::uint8_t>(value ? 1 : 0));
}

void GgufKeys::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  begin_array(key, GgufType::kI32, values.size());
  for (const std::int32_t value : values) put(bytes_, value);
}

void GgufKeys::f32s(std::string_view key, const std::vector<float>& values) {
  begin_array(key, GgufType::kF32, values.size());
  for (const float value : values) put(bytes_, value);
}

std::string make_gguf_header(const GgufKeys& keys, const std::vector<GgufSpec>& specs, GgufHeader& layout) {
  std::string out = "GGUF";
  put(out, kGgufVersion);
  put(out, static_cast<std::uint64_t>(specs.size()));
  put(out, keys.count());
  out += keys.bytes();
  layout = {
      .version = kGgufVersion, .alignment = kGgufAlignment, .values = {}, .tensors = {}, .data_begin = 0};
  std::set<std::string_view> seen;
  std::uint64_t offset = 0;
  for (const GgufSpec& spec : specs) {
    const ggml::GgmlTypeInfo& info = ggml::type_info(spec.type);
    LQ_CHECK(!spec.name.empty() && seen.insert(spec.name).second, kInvalidArgument,
             "[gguf] a tensor named '{}' twice, or not at all", printable(spec.name));
    LQ_CHECK(
        !spec.shape.empty() && spec.shape.size() <= kGgufRankLimit && spec.shape.back() % info.weights == 0,
        kInvalidArgument, "[gguf] {}: shape {} cannot be {}", printable(spec.name), shape_text(spec.shape),
        info.name);
    put_text(out, spec.name);
    put(out, static_cast<std::uint32_t>(spec.shape.size()));
    for (auto extent = spec.shape.rbegin(); extent != spec.shape.rend(); ++extent) {
      put(out, static_cast<std::uint64_t>(*extent));
    }
    put(out, static_cast<std::uint32_t>(spec.type));
    put(out, offset);
    const auto bytes =
        static_cast<std::uint64_t>(checked_numel(spec.shape, spec.name) / info.weights * info.bytes);
    layout.tensors.push_back({spec.name, spec.type, spec.shape, offset, bytes});
    offset = aligned(offset + bytes);
  }
  out.resize(aligned(out.size()), '\0');
  layout.data_begin = out.size();
  return out;
}

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufKeys& keys,
                       const std::vector<GgufSpec>& specs)
    : file_(path) {
  const std::string header = make_gguf_header(keys, specs, layout_);
  const std::uint64_t end =
      specs.empty() ? 0 : aligned(layout_.tensors.back().offset + layout_.tensors.back().bytes);
  file_.reserve(header.size() + end);
  file_.write_at(0, header.data(), header.size());
  for (std::size_t i = 0; i < specs.size(); ++i) index_.emplace(specs[i].name, i);
  written_.assign(specs.size(), 0);
}

void GgufWriter::append(std::string_view name, const void* bytes, std::size_t size) {
  const auto at = index_.find(std::string(name));
  LQ_CHECK(at != index_.end(), kInvalidArgument, "[gguf] {}: no tensor '{}' was announced",
           file_.path().string(), printable(name));
  const GgufTensor& tensor = layout_.tensors[at->second];
  std::uint64_t& written = written_[at->second];
  LQ_CHECK(size <= tensor.bytes - written, kInvalidArgument, "[gguf] {}: {}: {} bytes given, but it has {}",
           file_.path().string(), printable(name), written + size, tensor.bytes);
  if (size == 0) return;
  file_.write_at(layout_.data_begin + tensor.offset + written, bytes, size);
  written += size;
}

void GgufWriter::finish() {
  for (std::size_t i = 0; i < written_.size(); ++i) {
    const GgufTensor& tensor = layout_.tensors[i];
    LQ_CHECK(written_[i] == tensor.bytes, kInvalidArgument, "[gguf] {}: {}: {} of {} bytes were written",
             file_.path().string(), printable(tensor.name), written_[i], tensor.bytes);
  }
  file_.commit();
}

}  // namespace lq
