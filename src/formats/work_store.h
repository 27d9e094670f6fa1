// Finished pieces of a long job, kept under names so that a resumed run skips them. Each piece is one small
// safetensors file, written atomically, with a checksum over everything in it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/safetensors_reader.h"
#include "tensor/tensor.h"

namespace lq {

// A piece as read back: tensors lie in a mapped file, `info` is what put() was given.
struct WorkItem {
  SafetensorsReader file;
  nlohmann::json info;
};

// put() of different names may run on several threads at once; everything else is const.
class WorkStore {
 public:
  // Creates the directory. Throws Error(kIo).
  explicit WorkStore(std::filesystem::path directory);

  // Keeps the tensors (names unique within the piece) and info under `name` (any text), replacing what was
  // there.
  void put(std::string_view name, const std::vector<std::pair<std::string, const Tensor*>>& tensors,
           const nlohmann::json& info) const;
  // Nothing when there is none, or when the file is damaged in any way (a bit, its end, another name).
  std::optional<WorkItem> get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  void erase(std::string_view name) const;
  // The file of that piece (it need not exist).
  std::filesystem::path file_of(std::string_view name) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace lq
