#include "data/document_reader.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/data_files.h"

namespace lq {

DocumentReader::DocumentReader(const std::filesystem::path& path, DocumentOptions options)
    : files_(data_files(path, options.records.report)), options_(std::move(options)) {}
DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(Document& document) {
  nlohmann::ordered_json record;
  while (true) {
    if (records_ == nullptr) {
      if (file_ == files_.size()) return false;
      records_ = RecordReader::open(files_[file_++], options_.records);
    }
    const std::int64_t before = records_->bad();
    const bool found = records_->next(record);
    bad_ += records_->bad() - before;
    if (!found) {
      records_.reset();
      continue;
    }
    document.place = records_->place();
    const auto it = record.find(options_.field);
    if (it != record.end() && it->is_string()) {
      document.text = std::move(it->get_ref<std::string&>());
      return true;
    }
    const std::string message = fmt::format("{}: '{}' should be a string, {}", document.place, options_.field,
                                            it == record.end() ? "is missing" : "is another type");
    if (!options_.records.skip_bad) fail(ErrorCode::kCorruptFile, "{}", message);
    ++bad_;
    if (options_.records.on_bad) options_.records.on_bad(message);
  }
}

std::vector<Document> read_documents(const std::filesystem::path& path, const DocumentOptions& options) {
  DocumentReader reader(path, options);
  std::vector<Document> out;
  for (Document document; reader.next(document);) out.push_back(std::move(document));
  return out;
}

std::string joined_documents(const std::filesystem::path& path, const DocumentOptions& options) {
  DocumentReader reader(path, options);
  std::string text;
  bool first = true;
  for (Document document; reader.next(document); first = false) {
    if (!first) text += "\n\n";
    text += document.text;
  }
  return text;
}

}  // namespace lq
