// Writes one GGUF file, version 3, little endian (gguf_header.h has the layout).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "files/atomic_file.h"
#include "formats/gguf/gguf_header.h"

namespace lq {

// Metadata in the order in which they are added.
class GgufKeys {
 public:
  void u32(std::string_view key, std::uint32_t value);
  void f32(std::string_view key, float value);
  void flag(std::string_view key, bool value);
  void text(std::string_view key, std::string_view value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  void flags(std::string_view key, const std::vector<bool>& values);
  void i32s(std::string_view key, const std::vector<std::int32_t>& values);
  void f32s(std::string_view key, const std::vector<float>& values);

  std::uint64_t count() const { return count_; }
  const std::string& bytes() const { return bytes_; }

 private:
  void begin(std::string_view key, GgufType type);
  void begin_array(std::string_view key, GgufType of, std::uint64_t count);

  std::uint64_t count_ = 0;
  std::string bytes_;
};

// A tensor to be written; offset and bytes are computed.
struct GgufSpec {
  std::string name;
  ggml::GgmlType type = ggml::GgmlType::kF32;
  Shape shape;  // rows first
};

// Header and tensor table, filled up to a multiple of the alignment; `layout` receives the places of the
// tensors, in their order. Throws Error(kInvalidArgument) for a name that is there twice, a shape of more
// than four dimensions, or rows that are no whole blocks.
std::string make_gguf_header(const GgufKeys& keys, const std::vector<GgufSpec>& specs, GgufHeader& layout);

// The file appears under its name when finish() has returned. Not thread-safe.
class GgufWriter {
 public:
  GgufWriter(const std::filesystem::path& path, const GgufKeys& keys, const std::vector<GgufSpec>& specs);
  // The next bytes of a tensor. Throws Error(kInvalidArgument) for an unknown name or too many bytes.
  void append(std::string_view name, const void* bytes, std::size_t size);
  // Throws Error(kInvalidArgument) where bytes are missing, Error(kIo).
  void finish();

 private:
  AtomicFile file_;
  GgufHeader layout_;
  std::vector<std::uint64_t> written_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace lq
