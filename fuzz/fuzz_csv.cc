// Tables from anybody: rows with as many fields as there are columns, or an Error; never more rows than
// lines.
#include <algorithm>

#include "base/error.h"
#include "data/csv_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const lq::CsvOptions options{.separator = data[0] % 2 == 0 ? ',' : '\t',
                               .quotes = data[0] % 3 != 0 ? lq::Quotes::kAlways : lq::Quotes::kWhereClosed};
  try {
    lq::CsvReader reader(lq::LineReader(bytes, "fuzz.csv"), options);
    const auto lines = std::count(bytes.begin(), bytes.end(), '\n') + 1;
    std::vector<std::string> row;
    for (std::ptrdiff_t rows = 0; reader.next(row); ++rows) {
      if (row.size() != reader.columns().size() || rows > lines) __builtin_trap();
    }
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
