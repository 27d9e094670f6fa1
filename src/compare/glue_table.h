// What `lqlora glue` finds out, as tables: a row for each method and budget, a column for each task.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compare/compare_result.h"
#include "compare/compare_table.h"

namespace lq {

struct GlueTable {
  std::vector<std::string> tasks;    // "rte"
  std::vector<CompareTable> tables;  // of each task: the same rows in the same order

  std::size_t rows() const { return tables.empty() ? 0 : tables.front().rows.size(); }
};

// Score of a row on a task in percent, over its seeds; nothing without runs.
std::optional<Spread> task_score(const GlueTable& table, std::size_t row, std::size_t task);
// Mean over the tasks, seed by seed; nothing where a task has no run yet.
std::optional<Spread> average_score(const GlueTable& table, std::size_t row);
// What a row's average leaves to full fine-tuning's, less its own: points below it; nothing without both.
std::optional<double> below_full(const GlueTable& table, std::size_t row);

TextTable glue_text_table(const GlueTable& table);
std::vector<std::string> glue_remarks(const GlueTable& table);
std::string glue_table_markdown(const GlueTable& table);
nlohmann::ordered_json glue_table_json(const GlueTable& table);
// Average score over bits per weight, as SVG.
std::string glue_figure(const GlueTable& table);

}  // namespace lq
