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

// The field that begins with the quote at `at`, which moves behind the closing one. Where the field goes on
// in the next lines, these are appended to `line`. Nothing where no quote closes it, or text follows, and the
// options allow that.
std::optional<std::string> CsvReader::read_quoted(std::string& line, std::size_t& at, std::size_t number) {
  const bool always = options_.quotes == Quotes::kAlways;
  std::string field;
  std::size_t end = at + 1;
  for (;; ++end) {
    if (end >= line.size()) {
      if (!always) return std::nullopt;
      line += lines_.line_end();
      std::string next;
      LQ_CHECK(lines_.next(next), kCorruptFile, "{}: a quote is never closed", place());
      line += next;
    }
    if (line[end] != '"') {
      field.push_back(line[end]);
    } else if (end + 1 < line.size() && line[end + 1] == '"') {
      field.push_back('"');
      ++end;
    } else {
      ++end;
      break;
    }
  }
  const bool whole = end >= line.size() || line[end] == options_.separator;
  LQ_CHECK(whole || !always, kCorruptFile, "{}: text behind the closing quote of field {}", place(), number);
  if (!whole) return std::nullopt;
  at = end;
  return field;
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
    std::optional<std::string> field;
    if (at < line.size() && line[at] == '"') field = read_quoted(line, at, fields.size() + 1);
    if (!field) {
      const std::size_t end = std::min(line.find(options_.separator, at), line.size());
      field = line.substr(at, end - at);
      at = end;
    }
    fields.push_back(std::move(*field));
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
