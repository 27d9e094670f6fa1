#include "compare/compare_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "compare/markup.h"

namespace lq {
namespace {

constexpr double kWidth = 760, kHeight = 440, kLeft = 70, kRight = 190, kTop = 40, kBottom = 55;
// By CompareMethod. Okabe and Ito's, told apart by the colour-blind too.
constexpr std::array<const char*, 13> kColours = {"#000000", "#56b4e9", "#0072b2", "#e69f00", "#cc79a7",
                                                  "#9467bd", "#8c6d31", "#009e73", "#999933", "#d55e00",
                                                  "#882255", "#c51b7d", "#666666"};

struct Point {
  double bits, value, deviation;
};

struct Line {
  std::string title;
  const char* colour;
  std::vector<Point> points;  // by bits
  bool across = false;        // dense: one value at any bits
};

std::vector<Line> lines_of(const CompareTable& table, const RowValue& value) {
  std::vector<Line> lines;
  for (const CompareRow& row : table.rows) {
    if (!row.base) continue;
    const auto after = value(row);
    if (!after || !std::isfinite(after->mean)) continue;
    const std::string title(compare_method_title(row.method));
    auto line = std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.title == title; });
    if (line == lines.end()) {
      const char* colour = kColours.at(static_cast<std::size_t>(row.method));
      line = lines.insert(line, {title, colour, {}, !has_packed_base(row.method)});
    }
    line->points.push_back({row.base->bits, after->mean, after->deviation.value_or(0.0)});
  }
  for (Line& line : lines)
    std::sort(line.points.begin(), line.points.end(),
              [](const Point& a, const Point& b) { return a.bits < b.bits; });
  return lines;
}

struct Axis {
  double low, high;      // values at the ends
  double start, length;  // in the picture; negative length: upwards
  double at(double value) const { return start + (value - low) / (high - low) * length; }
};

// Ends a little outside of [low, high].
Axis axis_over(double low, double high, double start, double length) {
  const double room = low < high ? 0.06 * (high - low) : std::max(0.05 * std::abs(low), 0.1);
  return {low - room, high + room, start, length};
}

void draw_axes(const Axis& x, const Axis& y, const FigureTitles& titles, std::string& svg) {
  const double right = x.start + x.length, top = y.start + y.length;
  for (const double tick : axis_ticks(y.low, y.high, 7)) {
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#dddddd\"/>\n"
        "<text x=\"{3}\" y=\"{2:.1f}\" text-anchor=\"end\" dominant-baseline=\"middle\">{4:g}</text>\n",
        kLeft, right, y.at(tick), kLeft - 8, tick);
  }
  for (const double tick : axis_ticks(x.low, x.high, 7)) {
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#666666\"/>\n"
        "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x.at(tick), y.start, y.start + 5, y.start + 20, tick);
  }
  svg += fmt::format("<polyline points=\"{0},{1} {0},{2} {3},{2}\" fill=\"none\" stroke=\"#666666\"/>\n",
                     kLeft, top, y.start, right);
  svg += fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">bits per weight, low-rank part not "
      "counted</text>\n",
      (kLeft + right) / 2, kHeight - 12);
  svg += fmt::format("<text transform=\"translate(18,{}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     (top + y.start) / 2, html_text(titles.values));
  svg += fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", kLeft, kTop - 16,
                     html_text(titles.top));
}

void draw_line(const Line& line, const Axis& x, const Axis& y, std::string& svg) {
  const double right = x.start + x.length;
  if (line.across) {
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" stroke-width=\"2\" "
        "stroke-dasharray=\"6 4\"/>\n",
        kLeft, right, y.at(line.points[0].value), line.colour);
    return;
  }
  std::string path;
  for (const Point& p : line.points)
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x.at(p.bits), y.at(p.value));
  svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path,
                     line.colour);
  for (const Point& p : line.points) {
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{4}\"/>\n"
        "<circle cx=\"{0:.1f}\" cy=\"{3:.1f}\" r=\"4\" fill=\"{4}\"/>\n",
        x.at(p.bits), y.at(p.value - p.deviation), y.at(p.value + p.deviation), y.at(p.value), line.colour);
  }
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10.0 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step); k * step <= high; ++k) ticks.push_back(k * step);
  return ticks;
}

std::string compare_figure(const CompareTable& table, std::size_t text) {
  const FigureTitles titles{fmt::format("{} on {}, rank {}", table.model, table.texts.at(text), table.rank),
                            "perplexity after fine-tuning"};
  return grid_figure(
      table, titles, [text](const CompareRow& row) { return perplexity_after(row, text); },
      table.dense.at(text).perplexity);
}

std::string grid_figure(const CompareTable& table, const FigureTitles& titles, const RowValue& value,
                        double without_runs) {
  const std::vector<Line> lines = lines_of(table, value);
  std::vector<double> bits, values;
  for (const CompareRow& row : table.rows) {
    if (row.base && has_packed_base(row.method)) bits.push_back(row.base->bits);
  }
  for (const Line& line : lines) {
    for (const Point& p : line.points) {
      values.push_back(p.value - p.deviation);
      values.push_back(p.value + p.deviation);
    }
  }
  if (bits.empty()) bits = {2.0, 4.0};
  if (values.empty()) values = {without_runs};
  const auto [fewest, most] = std::minmax_element(bits.begin(), bits.end());
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const Axis x = axis_over(*fewest, *most, kLeft, kWidth - kLeft - kRight);
  const Axis y = axis_over(*lowest, *highest, kHeight - kBottom, kTop + kBottom - kHeight);

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" "
      "font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, kHeight);
  draw_axes(x, y, titles, svg);
  for (const Line& line : lines) draw_line(line, x, y, svg);
  double at = kTop + 8;
  for (const Line& line : lines) {
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\" stroke=\"{3}\" stroke-width=\"3\"{4}/>\n"
        "<text x=\"{5}\" y=\"{2}\" dominant-baseline=\"middle\">{6}</text>\n",
        kWidth - kRight + 12, kWidth - kRight + 36, at, line.colour,
        line.across ? " stroke-dasharray=\"6 4\"" : "", kWidth - kRight + 44, html_text(line.title));
    at += 22;
  }
  return svg + "</svg>\n";
}

}  // namespace lq
