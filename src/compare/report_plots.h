// The plots of a report, as SVG elements.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lq {

using CurvePoints = std::vector<std::pair<double, double>>;  // step, value

// A loss over the steps of a run as a line, and what validation gave as dots. Points that are not finite are
// left out; without any other the axes alone.
std::string loss_curve(const CurvePoints& training, const CurvePoints& validation, std::string_view values);

// One matrix of a model: the block's number or none, what it is in it, and a value.
struct GridCell {
  int row = 0;
  std::string column;
  double value = 0.0;
  std::string says;  // shown when pointed at
};
// Blocks downwards, kinds of matrices across in the order in which they come, coloured from the least value
// to the largest. `title` says what the values are.
std::string matrix_grid(const std::vector<GridCell>& cells, std::string_view title);

}  // namespace lq
