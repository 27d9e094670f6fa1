#include "compare/text_table.h"

#include <fmt/format.h>

namespace lq {

std::string TextTable::markdown() const {
  std::string md;
  const auto line = [&](const std::vector<std::string>& cells) {
    for (const std::string& cell : cells) md += "| " + cell + " ";
    md += "|\n";
  };
  line(header);
  line(std::vector<std::string>(header.size(), "---"));
  for (const auto& row : rows) line(row);
  return md + "\n";
}

std::string spread_text(const std::optional<Spread>& spread, int digits) {
  if (!spread) return "-";
  std::string text = fmt::format("{:.{}f}", spread->mean, digits);
  if (spread->deviation) text += fmt::format(" ±{:.{}f}", *spread->deviation, digits);
  return text;
}

std::string budget_text(const CompareRow& row) {
  return row.budget > 0 ? fmt::format("{}", row.budget) : "-";
}

std::vector<std::string> left_out_remarks(const std::vector<CompareRow>& rows) {
  std::vector<std::string> lines;
  for (const CompareRow& row : rows) {
    for (const CompareRun& run : row.failed) {
      lines.push_back(fmt::format("Failed: {}, seed {}, rate {}: {}.", compare_method_title(row.method),
                                  run.seed, run.lr, run.failure));
    }
    if (row.why_not.empty()) continue;
    lines.push_back(
        fmt::format("None: {} at {} bits: {}.", compare_method_title(row.method), row.budget, row.why_not));
  }
  return lines;
}

}  // namespace lq
