// The small files that describe something, by their names: those of a folder on disk, or texts in memory that
// stand for them (what a GGUF file says of its tokenizer, as the files of a model directory).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

class Folder {
 public:
  // On disk; the folder need not exist. Implicit, so that a path may stand where a folder is asked for.
  Folder(std::filesystem::path directory)
      : path_(std::move(directory)) {}  // NOLINT(google-explicit-constructor)
  // In memory: name -> content. source: what the texts were made from, for messages.
  Folder(std::filesystem::path source, std::map<std::string, std::string> texts)
      : path_(std::move(source)), texts_(std::move(texts)), in_memory_(true) {}

  bool in_memory() const { return in_memory_; }
  // The directory, or the source.
  const std::filesystem::path& path() const { return path_; }
  // What messages call a file: "DIR/NAME", or "SOURCE (NAME)".
  std::string who(std::string_view name) const;
  // Throws Error(kIo) where the folder may not be looked into.
  bool has(std::string_view name) const;
  // Throws Error(kNotFound) where there is none, Error(kIo), Error(kCorruptFile) above `limit` bytes.
  std::string read(std::string_view name, std::uint64_t limit) const;
  // Regular files, sorted. Throws Error(kIo).
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
  std::map<std::string, std::string> texts_;
  bool in_memory_ = false;
};

}  // namespace lq
