// Records of a data file, whatever its kind, as JSON objects:
//   .jsonl, .ndjson      one object a line
//   .json                a list of objects (or one object a line, if it is no list)
//   .csv, .tsv           one object a row, with the columns' names
//   .txt and others      one object {"text": the whole file}
// each also with .gz behind it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lq {

struct RecordOptions {
  // Damaged records are passed over and counted instead of ending the reading with an error.
  bool skip_bad = false;
  // Called for each one passed over, with the error that it would have been; may be empty.
  std::function<void(const std::string&)> on_bad;
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // The next record; false at the end. Throws kCorruptFile with "path:line".
  virtual bool next(nlohmann::json& record) = 0;
  virtual std::string place() const = 0;     // "path:line" of the last record
  virtual std::int64_t line() const = 0;     // its line; its number in the list for .json
  std::int64_t bad() const { return bad_; }  // records passed over so far

  // Throws kNotFound, kIo.
  static std::unique_ptr<RecordReader> open(const std::filesystem::path& path, const RecordOptions& options);
  // The same over bytes in memory, as a file of this name would be read. bytes outlives the reader.
  static std::unique_ptr<RecordReader> from_memory(std::string_view bytes, const std::string& name,
                                                   const RecordOptions& options);

 protected:
  std::int64_t bad_ = 0;
};

// Files to read for a path: itself, or the data files (by extension) in a folder and below it, sorted by
// path. Throws kNotFound where the path does not exist or the folder has none.
std::vector<std::filesystem::path> data_files(const std::filesystem::path& path);

}  // namespace lq
