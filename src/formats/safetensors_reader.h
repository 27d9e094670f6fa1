// One safetensors file, memory-mapped and checked as a whole when it is opened.
#pragma once

#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "files/mapped_file.h"
#include "formats/safetensors_header.h"
#include "tensor/tensor_view.h"

namespace lq {

// Movable; views stay valid while it lives. Thread-safe: nothing changes after construction.
class SafetensorsReader {
 public:
  // Throws Error(kNotFound), Error(kIo), and what parse_safetensors_header throws, naming the file.
  explicit SafetensorsReader(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }
  // In the order of their bytes in the file.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  // Null when there is none of that name.
  const TensorView* find(std::string_view name) const;
  // Throws Error(kNotFound) naming the file and the tensor.
  const TensorView& at(std::string_view name) const;
  std::uint64_t file_bytes() const { return file_.size(); }

 private:
  std::filesystem::path path_;
  MappedFile file_;
  Metadata metadata_;
  std::vector<TensorView> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace lq
