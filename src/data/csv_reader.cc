#include "data/csv_reader.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace lq {

CsvReader::CsvReader(LineReader lines, CsvOptions options)
    : lines_(std::move(lines)), options_(std::move(options)) {
  if (!options_.columns.empty()) {
    columns_ = options_.columns;
    return;
  }
  LQ_CHECK(read_row(columns_), kCorruptFile, "{}: empty, but the first row should name the columns",
           lines_.name());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    LQ_CHECK(column(columns_[i]) == i, kCorruptFile, "{}: two columns are named '{}'", lines_.name(),
             columns_[i]);
  }
}

std::optional<std::size_t> CsvReader::column(std::string_view name) const {
  const auto it = std::find(columns_.begin(), columns_.end(), name);
  if (it == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(it - columns_.begin());
}

bool CsvReader::read_row(std::vector<std::string>& fields) {
  fields.clear();
  std::string line;
  do {
    if (!lines_.next(line)) return false;
  } while (line.empty());
  row_line_ = lines_.line_number();
  std::size_t at = 0;
  while (true) {
    std::string field;
    if (options_.quotes && at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) {  // the field goes on in the next line
          LQ_CHECK(lines_.next(line), kCorruptFile, "{}: a quote is never closed", place());
          field.push_back('\n');
          at = static_cast<std::size_t>(-1);
          continue;
        }
        if (line[at] != '"') {
          field.push_back(line[at]);
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          field.push_back('"');
          ++at;
        } else {
          ++at;
          break;
        }
      }
      LQ_CHECK(at >= line.size() || line[at] == options_.separator, kCorruptFile,
               "{}: text behind the closing quote of field {}", place(), fields.size() + 1);
    } else {
      const std::size_t end = std::min(line.find(options_.separator, at), line.size());
      field = line.substr(at, end - at);
      at = end;
    }
    fields.push_back(std::move(field));
    if (at >= line.size()) return true;
    ++at;  // the separator; a line that ends with one has an empty last field
    if (at >= line.size()) {
      fields.emplace_back();
      return true;
    }
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  if (!read_row(fields)) return false;
  LQ_CHECK(fields.size() == columns_.size(), kCorruptFile, "{}: {} fields, but {} columns", place(),
           fields.size(), columns_.size());
  return true;
}

std::string CsvReader::place() const { return fmt::format("{}:{}", lines_.name(), row_line_); }

}  // namespace lq
