// A comparison as a plot.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compare/compare_result.h"

namespace lq {

// Perplexity after fine-tuning on one of the texts over bits per weight, as SVG: a line for each method, bars
// of one standard deviation, dense LoRA as a horizontal line. Without any finished run the axes alone.
std::string compare_figure(const CompareTable& table, std::size_t text);

// Round numbers, at most about `count`, that cover [low, high]. REQUIRES: low < high.
std::vector<double> axis_ticks(double low, double high, int count);

}  // namespace lq
