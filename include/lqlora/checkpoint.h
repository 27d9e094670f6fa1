// A model's files, opened once and handed on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lqlora/context.h"

namespace lqlora {

struct TensorInfo {
  std::string name;
  std::string dtype;  // as the file says: "F32", "BF16", "U8"
  std::vector<std::int64_t> shape;
};

// Cheap to copy: copies share the open files. Thread-safe. Files are mapped, not read.
class Checkpoint {
 public:
  // A directory as Hugging Face lays it out, dense or packed by this library, or one .safetensors file.
  // Throws Error(kNotFound, kCorruptFile, kUnsupported) naming the file.
  static Checkpoint open(const std::filesystem::path& path);

  const std::filesystem::path& path() const;  // as given
  bool is_packed() const;
  // The text of config.json. Throws Error(kNotFound) where there is none.
  std::string config() const;
  // As stored: a packed matrix is several tensors.
  std::vector<TensorInfo> tensors() const;
  // One of F32, BF16, F16, F64 as f32. Throws Error(kNotFound) for no such tensor, Error(kUnsupported) for
  // other types.
  std::vector<float> read(std::string_view name) const;
  // Identity of the content, 32 hexadecimal digits: the same for any sharding. Reads every byte at the first
  // call.
  std::string hash(Context& context) const;

  struct Impl;  // of the library
  Impl& impl() const { return *impl_; }

 private:
  explicit Checkpoint(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace lqlora
