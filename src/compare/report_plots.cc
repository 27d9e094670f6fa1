#include "compare/report_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "compare/compare_figure.h"
#include "compare/markup.h"

namespace lq {
namespace {

constexpr double kWidth = 760, kHeight = 300, kLeft = 70, kRight = 20, kTop = 20, kBottom = 45;
constexpr double kCellWidth = 62, kCellHeight = 16, kGridLeft = 50, kGridTop = 130;

struct Span {
  double low = 0.0, high = 1.0;
};

CurvePoints finite(const CurvePoints& points) {
  CurvePoints out;
  std::ranges::copy_if(points, std::back_inserter(out), [](const std::pair<double, double>& p) {
    return std::isfinite(p.first) && std::isfinite(p.second);
  });
  return out;
}

Span span_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto [least, most] = std::ranges::minmax(values);
  const double room = least < most ? 0.05 * (most - least) : std::max(0.05 * std::abs(least), 0.1);
  return {least - room, most + room};
}

std::string start_of(double width, double height) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n",
      width, height);
}

// Blue for little, yellow for much, of equal steps in lightness.
std::string colour_of(double share) {
  const auto mix = [share](double from, double to) {
    return static_cast<int>(std::lround(from + (to - from) * share));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(38, 253), mix(70, 231), mix(125, 76));
}

}  // namespace

std::string loss_curve(const CurvePoints& training, const CurvePoints& validation, std::string_view values) {
  const CurvePoints line = finite(training), dots = finite(validation);
  std::vector<double> steps, losses;
  for (const auto* points : {&line, &dots}) {
    for (const auto& [step, loss] : *points) {
      steps.push_back(step);
      losses.push_back(loss);
    }
  }
  const Span x = span_of(steps), y = span_of(losses);
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const auto px = [&](double step) { return kLeft + (step - x.low) / (x.high - x.low) * (right - kLeft); };
  const auto py = [&](double loss) { return bottom - (loss - y.low) / (y.high - y.low) * (bottom - kTop); };
  std::string svg = start_of(kWidth, kHeight);
  for (const double tick : axis_ticks(y.low, y.high, 6)) {
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text x=\"{3}\" "
        "y=\"{2:.1f}\" "
        "text-anchor=\"end\" dominant-baseline=\"middle\">{4:g}</text>\n",
        kLeft, right, py(tick), kLeft - 8, tick + 0.0);  // no -0
  }
  for (const double tick : axis_ticks(x.low, x.high, 8)) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", px(tick),
                       bottom + 18, tick + 0.0);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step</text>\n", (kLeft + right) / 2,
                     kHeight - 8);
  svg += fmt::format("<text transform=\"translate(16,{}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     (kTop + bottom) / 2, html_text(values));
  std::string path;
  for (const auto& [step, loss] : line)
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", px(step), py(loss));
  svg +=
      fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.5\"/>\n", path);
  for (const auto& [step, loss] : dots)
    svg +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"#d55e00\"/>\n", px(step), py(loss));
  return svg.append("</svg>");
}

std::string matrix_grid(const std::vector<GridCell>& cells, std::string_view title) {
  std::vector<std::string> columns;
  std::map<int, int> rows;  // a block's number: its place
  std::vector<double> values;
  for (const GridCell& cell : cells) {
    if (std::ranges::find(columns, cell.column) == columns.end()) columns.push_back(cell.column);
    rows.emplace(cell.row, 0);
    values.push_back(cell.value);
  }
  int place = 0;
  for (auto& [row, at] : rows) at = place++;
  const double least = values.empty() ? 0.0 : *std::ranges::min_element(values);
  const double most = values.empty() ? 0.0 : *std::ranges::max_element(values);
  std::string svg = start_of(kGridLeft + kCellWidth * static_cast<double>(columns.size()) + 90,
                             kGridTop + kCellHeight * static_cast<double>(rows.size()) + 10);
  svg +=
      fmt::format("<text x=\"4\" y=\"16\" font-weight=\"bold\">{}: {:.3g} (blue) to {:.3g} (yellow)</text>\n",
                  html_text(title), least, most);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double x = kGridLeft + kCellWidth * (static_cast<double>(c) + 0.5);
    svg += fmt::format("<text transform=\"translate({:.1f},{}) rotate(-45)\">{}</text>\n", x, kGridTop - 8,
                       html_text(columns[c]));
  }
  for (const auto& [row, at] : rows) {
    if (row < 0) continue;
    svg += fmt::format(
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\" dominant-baseline=\"middle\">{}</text>\n",
        kGridLeft - 6, kGridTop + kCellHeight * (at + 0.5), row);
  }
  for (const GridCell& cell : cells) {
    const auto column = static_cast<double>(std::ranges::find(columns, cell.column) - columns.begin());
    const double share = most > least ? (cell.value - least) / (most - least) : 0.0;
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" fill=\"{}\"><title>{}</title></rect>\n",
        kGridLeft + kCellWidth * column, kGridTop + kCellHeight * rows.at(cell.row), kCellWidth - 2,
        kCellHeight - 2, colour_of(share), html_text(cell.says));
  }
  return svg.append("</svg>");
}

}  // namespace lq
