// A comparison as a plot.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compare/compare_result.h"

namespace lq {

// Perplexity after fine-tuning on one of the texts over bits per weight, as SVG: a line for each method, bars
// of one standard deviation, dense LoRA as a horizontal line. Without any finished run the axes alone.
std::string compare_figure(const CompareTable& table, std::size_t text);

// The same of any value of a row.
struct FigureTitles {
  std::string top, values;
};
using RowValue = std::function<std::optional<Spread>(const CompareRow&)>;
// without_runs: where the values' axis lies while nothing is finished.
std::string grid_figure(const CompareTable& table, const FigureTitles& titles, const RowValue& value,
                        double without_runs);

// Round numbers, at most about `count`, that cover [low, high]. REQUIRES: low < high.
std::vector<double> axis_ticks(double low, double high, int count);

}  // namespace lq
