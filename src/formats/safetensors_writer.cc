#include "formats/safetensors_writer.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/printable.h"

namespace lq {

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorSpec>& specs,
                                     const Metadata& metadata)
    : file_(path) {
  SafetensorsHeader layout;
  const std::string header = make_safetensors_header(specs, metadata, layout);
  const std::uint64_t data_bytes = layout.entries.empty() ? 0 : layout.entries.back().end;
  file_.reserve(layout.data_begin + data_bytes);
  file_.write_at(0, header.data(), header.size());
  slots_.reserve(layout.entries.size());
  for (auto& entry : layout.entries) {
    index_.emplace(entry.spec.name, slots_.size());
    const std::uint64_t bytes = entry.end - entry.begin;
    if (bytes > 0) ++missing_;
    slots_.push_back({std::move(entry.spec), layout.data_begin + entry.begin, bytes});
  }
}

SafetensorsWriter::Slot& SafetensorsWriter::slot(std::string_view name) {
  const auto it = index_.find(std::string(name));
  LQ_CHECK(it != index_.end(), kInvalidArgument, "[safetensors] {}: no tensor '{}' was announced",
           path().string(), printable(name));
  return slots_[it->second];
}

void SafetensorsWriter::append(std::string_view name, const void* bytes, std::size_t size) {
  put(name, slot(name).written, bytes, size);
}

void SafetensorsWriter::put(std::string_view name, std::uint64_t offset, const void* bytes,
                            std::size_t size) {
  Slot& to = slot(name);
  LQ_CHECK(offset <= to.bytes && size <= to.bytes - offset && size <= to.bytes - to.written, kInvalidArgument,
           "[safetensors] {}: {}: {} bytes given, but shape {} {} has {}", path().string(), printable(name),
           std::max(offset, to.written) + size, shape_text(to.spec.shape), dtype_name(to.spec.dtype),
           to.bytes);
  if (size == 0) return;
  file_.write_at(to.begin + offset, bytes, size);
  to.written += size;
  if (to.written == to.bytes) --missing_;
}

void SafetensorsWriter::write(std::string_view name, const Tensor& tensor) {
  const Slot& to = slot(name);
  LQ_CHECK(tensor.dtype() == to.spec.dtype && tensor.shape() == to.spec.shape, kInvalidArgument,
           "[safetensors] {}: {}: {} {} given, but {} {} was announced", path().string(), printable(name),
           dtype_name(tensor.dtype()), shape_text(tensor.shape()), dtype_name(to.spec.dtype),
           shape_text(to.spec.shape));
  append(name, tensor.raw(), tensor.bytes());
}

void SafetensorsWriter::write_f32(std::string_view name, const float* values) {
  const Slot& to = slot(name);
  constexpr std::int64_t kPiece = std::int64_t{1} << 20;  // elements converted at a time
  const std::int64_t count = to.spec.numel();
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(count, kPiece)) * dtype_size(to.spec.dtype));
  for (std::int64_t i = 0; i < count; i += kPiece) {
    const std::int64_t n = std::min(kPiece, count - i);
    convert_from_f32(to.spec.dtype, values + i, n, piece.data());
    append(name, piece.data(), static_cast<std::size_t>(n) * dtype_size(to.spec.dtype));
  }
}

void SafetensorsWriter::finish() {
  for (const Slot& s : slots_) {
    LQ_CHECK(s.written == s.bytes, kInvalidArgument, "[safetensors] {}: {}: {} of {} bytes were written",
             path().string(), printable(s.spec.name), s.written, s.bytes);
  }
  file_.commit();
}

}  // namespace lq
