// Answers of a model that are kept on disk as they come, so that a run that was killed loses only what it was
// at: lines of JSON, [key, what was asked, answer], each written whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "files/file_descriptor.h"

namespace lq {

// Not thread-safe; one process at a time has a file (the job's lock sees to it).
class AnswerStore {
 public:
  // Reads what is there; a last line that is not whole is cut off. Throws Error(kIo); Error(kCorruptFile) for
  // other lines than those of put().
  explicit AnswerStore(const std::filesystem::path& path);

  // The answer that was put under the key; null where there is none, or something else was asked.
  // asked: a hash, or another short text.
  const nlohmann::json* find(std::int64_t key, const std::string& asked) const;
  // Throws Error(kIo).
  void put(std::int64_t key, const std::string& asked, nlohmann::json answer);

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  std::map<std::int64_t, std::pair<std::string, nlohmann::json>> answers_;
};

}  // namespace lq
