// Records of a data file, whatever its kind, as JSON objects whose keys keep their order:
//   .jsonl, .ndjson, .jsonlines, .json   JSON in each of the shapes of data/json_values.h
//   .csv, .tsv                           one object a row, with the columns' names
//   .txt                                 one object {"text": the whole file}
//   others                               JSON where the file begins like it, else as .txt
// each also compressed (gzip, zstd, xz, bzip2), told by content, whatever stands behind the name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/data_report.h"

namespace lq {

struct RecordOptions {
  // Damaged records are passed over and counted instead of ending the reading with an error.
  bool skip_bad = false;
  // Called for each one passed over, with the error that it would have been; may be empty.
  std::function<void(const std::string&)> on_bad;
  // What the columns of a .csv or .tsv file are called that has no row of names.
  std::vector<std::string> columns = {};
  // Where what is odd about the files is counted; may be null.
  DataReport* report = nullptr;
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // The next record; false at the end. Throws kCorruptFile with "path:line".
  virtual bool next(nlohmann::ordered_json& record) = 0;
  virtual std::string place() const = 0;     // "path:line" of the last record
  virtual std::int64_t line() const = 0;     // its line; its number in a list of JSON
  std::int64_t bad() const { return bad_; }  // records passed over so far

  // Throws kNotFound, kIo, kUnsupported for a file that is not text.
  static std::unique_ptr<RecordReader> open(const std::filesystem::path& path, const RecordOptions& options);
  // The same over bytes in memory, as a file of this name would be read. bytes outlives the reader.
  static std::unique_ptr<RecordReader> from_memory(std::string_view bytes, const std::string& name,
                                                   const RecordOptions& options);

 protected:
  std::int64_t bad_ = 0;
};

}  // namespace lq
