// Documents: the texts that perplexity, calibration and continued pretraining read, one after the other, from
// a file or a folder of files (data/record_reader.h). A .txt file is one document; each record of the other
// kinds is one, by its `field`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/record_reader.h"

namespace lq {

struct Document {
  std::string text;   // valid UTF-8 or not, as the file has it; may be empty
  std::string place;  // "path:line", for errors
};

struct DocumentOptions {
  std::string field = "text";
  RecordOptions records = {};
};

class DocumentReader {
 public:
  // Throws kNotFound where there is nothing to read.
  explicit DocumentReader(const std::filesystem::path& path, DocumentOptions options = {});
  ~DocumentReader();
  DocumentReader(const DocumentReader&) = delete;
  DocumentReader& operator=(const DocumentReader&) = delete;

  // The next document; false behind the last. Throws kCorruptFile with "path:line" for a record without the
  // field, or with something else than a string there.
  bool next(Document& document);
  // Records passed over so far (options.records.skip_bad).
  std::int64_t bad() const { return bad_; }

 private:
  std::vector<std::filesystem::path> files_;
  DocumentOptions options_;
  std::size_t file_ = 0;
  std::unique_ptr<RecordReader> records_;
  std::int64_t bad_ = 0;
};

// All documents of a path, for data that fits into memory.
std::vector<Document> read_documents(const std::filesystem::path& path, const DocumentOptions& options = {});

// All of them as one text, a blank line between two: what perplexity is measured on.
std::string joined_documents(const std::filesystem::path& path, const DocumentOptions& options = {});

}  // namespace lq
