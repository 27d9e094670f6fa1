// Writes one safetensors file: all names and shapes known first, then the bytes, tensor by tensor or piece by
// piece, in any order of tensors. The file appears under its name only when finish() has returned.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "files/atomic_file.h"
#include "formats/safetensors_header.h"
#include "tensor/tensor_view.h"

namespace lq {

// Not thread-safe. Memory: the header only; bytes go straight to the file.
class SafetensorsWriter {
 public:
  // Writes the header and reserves the space of all tensors, so that a full disk shows now.
  // Throws Error(kInvalidArgument) for duplicate or empty names, Error(kIo) from the system.
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorSpec>& specs,
                    const Metadata& metadata = {});

  const std::filesystem::path& path() const { return file_.path(); }
  // The next `size` bytes of that tensor. Throws Error(kInvalidArgument) for an unknown name or more bytes
  // than the shape has.
  void append(std::string_view name, const void* bytes, std::size_t size);
  // `size` bytes of that tensor from `offset` on, which nothing else has been written to. REQUIRES: no append
  // to the same tensor. Throws as append.
  void put(std::string_view name, std::uint64_t offset, const void* bytes, std::size_t size);
  // The whole tensor; dtype and shape must be as announced.
  void write(std::string_view name, const Tensor& tensor);
  // The whole tensor from f32, converted to the announced dtype (F32, BF16 or F16) in pieces.
  void write_f32(std::string_view name, const float* values);
  // True when every tensor has all its bytes.
  bool complete() const { return missing_ == 0; }
  // Syncs and renames. Throws Error(kInvalidArgument) naming a tensor that lacks bytes.
  void finish();

 private:
  struct Slot {
    TensorSpec spec;
    std::uint64_t begin;  // in the file
    std::uint64_t bytes;
    std::uint64_t written = 0;
  };
  Slot& slot(std::string_view name);

  AtomicFile file_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, std::size_t> index_;
  std::uint64_t missing_ = 0;  // tensors that lack bytes
};

}  // namespace lq
