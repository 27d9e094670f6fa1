// Comma- and tab-separated values with named columns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/line_reader.h"

namespace lq {

// What a quote at the beginning of a field is.
enum class Quotes {
  kAlways,       // "a ""quoted"" field, with separators and line ends in it" (RFC 4180)
  kWhereClosed,  // the same where the line has its end, else a letter like any other: TSV is written both
                 // ways
};

struct CsvOptions {
  char separator = ',';
  Quotes quotes = Quotes::kAlways;
  // What the columns are called, where the file has no row of names.
  std::vector<std::string> columns = {};
};

class CsvReader {
 public:
  // The first row names the columns, unless the options do. Throws kCorruptFile for a file without one, a
  // column named twice.
  CsvReader(LineReader lines, CsvOptions options);

  const std::vector<std::string>& columns() const { return columns_; }
  // Position of the column, nothing where there is none of that name.
  std::optional<std::size_t> column(std::string_view name) const;

  // The fields of the next row, one for each column; false at the end. Empty lines are passed over. Throws
  // kCorruptFile, with file and line, for another number of fields, text behind a closing quote or a quote
  // never closed; reading may go on behind it.
  bool next(std::vector<std::string>& fields);
  // "path:line" where the row that next() read began.
  std::string place() const;
  std::int64_t line_number() const { return row_line_; }

 private:
  bool read_row(std::vector<std::string>& fields);
  std::optional<std::string> read_quoted(std::string& line, std::size_t& at, std::size_t number);
  LineReader lines_;
  CsvOptions options_;
  std::vector<std::string> columns_;
  std::int64_t row_line_ = 0;
};

}  // namespace lq
