#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace lq::cli {

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::vector<std::size_t>& left) {
  std::vector<std::size_t> widths(header.size());
  const auto widen = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  widen(header);
  for (const auto& row : rows) widen(row);
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_left = std::find(left.begin(), left.end(), i) != left.end();
      line += is_left ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
      if (i + 1 < row.size()) line += "  ";
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text += line + "\n";
  };
  append(header);
  std::size_t total = !header.empty() ? 2 * (header.size() - 1) : 0;
  for (const std::size_t width : widths) total += width;
  text += std::string(total, '-') + "\n";
  for (const auto& row : rows) append(row);
  return text;
}

}  // namespace lq::cli
