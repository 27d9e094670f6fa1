#include "data/record_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "data/csv_reader.h"
#include "data/line_reader.h"

namespace lq {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

Json parse(std::string_view text, const std::string& place) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: not valid JSON: {}", place, e.what());
  }
}

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

 private:
  RecordOptions options_;
};

class JsonLines final : public Reader {
 public:
  JsonLines(LineReader lines, RecordOptions options) : Reader(std::move(options)), lines_(std::move(lines)) {}
  std::string place() const override { return lines_.place(); }
  std::int64_t line() const override { return lines_.line_number(); }

 private:
  bool read(Json& record) override {
    in_line_ = false;
    std::string text;
    do {
      if (!lines_.next(text)) return false;
    } while (text.find_first_not_of(" \t") == std::string::npos);
    in_line_ = true;
    record = parse(text, place());
    LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be a JSON object, is {}", place(),
             record.type_name());
    return true;
  }
  bool goes_on() const override { return in_line_; }

  LineReader lines_;
  bool in_line_ = false;  // the error was in the line's content, not in the reading
};

class JsonList final : public Reader {
 public:
  JsonList(Json list, std::string name, RecordOptions options)
      : Reader(std::move(options)), list_(std::move(list)), name_(std::move(name)) {}
  std::string place() const override { return fmt::format("{}: record {}", name_, at_); }
  std::int64_t line() const override { return static_cast<std::int64_t>(at_); }

 private:
  bool read(Json& record) override {
    if (at_ >= list_.size()) return false;
    record = std::move(list_[at_++]);
    LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be a JSON object, is {}", place(),
             record.type_name());
    return true;
  }
  Json list_;
  std::string name_;
  std::size_t at_ = 0;
};

class Rows final : public Reader {
 public:
  Rows(LineReader lines, CsvOptions csv, RecordOptions options)
      : Reader(std::move(options)), rows_(std::move(lines), csv) {}
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
    for (std::size_t i = 0; i < fields.size(); ++i) record[rows_.columns()[i]] = std::move(fields[i]);
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
    record = Json::object();
    record["text"] = lines_.rest();
    return true;
  }
  bool goes_on() const override { return false; }
  LineReader lines_;
  bool done_ = false;
};

// The extension that tells the kind: the one before .gz, in lower case.
std::string kind_of(fs::path path) {
  const auto lower = [](std::string s) {
    for (char& c : s) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
    return s;
  };
  if (lower(path.extension().string()) == ".gz") path = path.stem();
  return lower(path.extension().string());
}

std::unique_ptr<RecordReader> make(LineReader lines, const std::string& kind, const RecordOptions& options) {
  if (kind == ".jsonl" || kind == ".ndjson") return std::make_unique<JsonLines>(std::move(lines), options);
  if (kind == ".csv") return std::make_unique<Rows>(std::move(lines), CsvOptions{}, options);
  if (kind == ".tsv") {
    return std::make_unique<Rows>(std::move(lines), CsvOptions{.separator = '\t', .quotes = false}, options);
  }
  return std::make_unique<WholeText>(std::move(lines), options);
}

}  // namespace

std::unique_ptr<RecordReader> RecordReader::from_memory(std::string_view bytes, const std::string& name,
                                                        const RecordOptions& options) {
  const std::string kind = kind_of(name);
  if (kind != ".json") return make(LineReader(bytes, name), kind, options);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || bytes[first] != '[') {
    return std::make_unique<JsonLines>(LineReader(bytes, name), options);
  }
  return std::make_unique<JsonList>(parse(bytes, name), name, options);
}

std::unique_ptr<RecordReader> RecordReader::open(const fs::path& path, const RecordOptions& options) {
  const std::string kind = kind_of(path);
  if (kind != ".json") return make(LineReader(path), kind, options);
  const std::string bytes = LineReader(path).rest();
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  const bool list = first != std::string::npos && bytes[first] == '[';
  if (!list) return make(LineReader(path), ".jsonl", options);
  return std::make_unique<JsonList>(parse(bytes, path.string()), path.string(), options);
}

std::vector<fs::path> data_files(const fs::path& path) {
  std::error_code ec;
  LQ_CHECK(fs::exists(path, ec), kNotFound, "{}: no such file or folder", path.string());
  if (!fs::is_directory(path, ec)) return {path};
  std::vector<fs::path> files;
  for (auto it = fs::recursive_directory_iterator(path, ec); it != fs::recursive_directory_iterator();
       it.increment(ec)) {
    const std::string kind = kind_of(it->path());
    const bool wanted = kind == ".txt" || kind == ".jsonl" || kind == ".ndjson" || kind == ".json" ||
                        kind == ".csv" || kind == ".tsv";
    if (wanted && it->is_regular_file(ec)) files.push_back(it->path());
  }
  LQ_CHECK(!files.empty(), kNotFound,
           "{}: no data files in this folder (.txt, .jsonl, .json, .csv, .tsv, also .gz)", path.string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace lq
