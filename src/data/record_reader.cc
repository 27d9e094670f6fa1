#include "data/record_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/csv_reader.h"
#include "data/data_files.h"
#include "data/json_values.h"
#include "data/line_reader.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Where a record is bad: counts it or throws.
class Reader : public RecordReader {
 public:
  explicit Reader(RecordOptions options) : options_(std::move(options)) {}
  bool next(Json& record) final {
    while (true) {
      try {
        return read(record);
      } catch (const Error& e) {
        if (!options_.skip_bad || e.code() != ErrorCode::kCorruptFile || !goes_on()) throw;
        ++bad_;
        if (options_.on_bad) options_.on_bad(e.what());
      }
    }
  }

 protected:
  virtual bool read(Json& record) = 0;
  virtual bool goes_on() const { return true; }  // whether reading can go on behind an error
  DataReport* report() const { return options_.report; }

 private:
  RecordOptions options_;
};

class JsonRecords final : public Reader {
 public:
  JsonRecords(LineReader lines, RecordOptions options)
      : Reader(std::move(options)), values_(std::move(lines), report()) {}
  std::string place() const override { return values_.place(); }
  std::int64_t line() const override { return values_.line(); }

 private:
  bool read(Json& record) override {
    if (!values_.next(record)) return false;
    LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be a JSON object, is {}", place(),
             record.type_name());
    return true;
  }
  bool goes_on() const override { return values_.goes_on(); }
  JsonValues values_;
};

class Rows final : public Reader {
 public:
  Rows(LineReader lines, CsvOptions csv, RecordOptions options)
      : Reader(std::move(options)), rows_(std::move(lines), std::move(csv)) {}
  std::string place() const override { return rows_.place(); }
  std::int64_t line() const override { return rows_.line_number(); }

 private:
  bool read(Json& record) override {
    const std::int64_t before = rows_.line_number();
    std::vector<std::string> fields;
    try {
      if (!rows_.next(fields)) return false;
    } catch (const Error&) {
      advanced_ = rows_.line_number() > before;
      throw;
    }
    record = Json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (report() != nullptr && !utf8::is_valid(fields[i])) {
        report()->count(Finding::kInvalidUtf8, "", place());
      }
      record[rows_.columns()[i]] = std::move(fields[i]);
    }
    return true;
  }
  bool goes_on() const override { return advanced_; }
  CsvReader rows_;
  bool advanced_ = false;
};

class WholeText final : public Reader {
 public:
  WholeText(LineReader lines, RecordOptions options) : Reader(std::move(options)), lines_(std::move(lines)) {}
  std::string place() const override { return lines_.name() + ":1"; }
  std::int64_t line() const override { return 1; }

 private:
  bool read(Json& record) override {
    if (done_) return false;
    done_ = true;
    std::string text = lines_.rest();
    if (report() != nullptr && !utf8::is_valid(text)) count_invalid(text);
    record = Json::object();
    record["text"] = std::move(text);
    return true;
  }
  void count_invalid(std::string_view text) {
    for (std::int64_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (!utf8::is_valid(text.substr(0, end))) {
        report()->count(Finding::kInvalidUtf8, "", fmt::format("{}:{}", lines_.name(), line));
      }
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  bool goes_on() const override { return false; }
  LineReader lines_;
  bool done_ = false;
};

std::unique_ptr<RecordReader> make(LineReader lines, const RecordOptions& options) {
  const FileKind kind = kind_of_name(lines.name());
  const bool json = looks_like_json(lines.head());
  switch (kind) {
    case FileKind::kCsv:
      return std::make_unique<Rows>(std::move(lines), CsvOptions{.columns = options.columns}, options);
    case FileKind::kTsv:
      return std::make_unique<Rows>(
          std::move(lines),
          CsvOptions{.separator = '\t', .quotes = Quotes::kWhereClosed, .columns = options.columns}, options);
    case FileKind::kText:
      if (json && options.report != nullptr) {
        options.report->count(Finding::kTextLikeJson, "", lines.name());
      }
      return std::make_unique<WholeText>(std::move(lines), options);
    case FileKind::kJson:
      return std::make_unique<JsonRecords>(std::move(lines), options);
    case FileKind::kUnknown:
      break;
  }
  if (json) return std::make_unique<JsonRecords>(std::move(lines), options);
  return std::make_unique<WholeText>(std::move(lines), options);
}

}  // namespace

std::unique_ptr<RecordReader> RecordReader::from_memory(std::string_view bytes, const std::string& name,
                                                        const RecordOptions& options) {
  return make(LineReader(bytes, name), options);
}

std::unique_ptr<RecordReader> RecordReader::open(const fs::path& path, const RecordOptions& options) {
  return make(LineReader(path), options);
}

}  // namespace lq
