// A table of texts, and what the tables of `compare` and `glue` say alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compare/compare_result.h"

namespace lq {

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header

  // "| a | b |" a line, and an empty line behind the last.
  std::string markdown() const;
};

// "32.500 ±0.707", the mean and, of several values, their deviation; "-" for nothing.
std::string spread_text(const std::optional<Spread>& spread, int digits);
// "2.5"; "-" for the dense base.
std::string budget_text(const CompareRow& row);
// "None: GPTQ-LoRA at 2.5 bits: one width.": a line for each row that has no model.
std::vector<std::string> left_out_remarks(const std::vector<CompareRow>& rows);

}  // namespace lq
