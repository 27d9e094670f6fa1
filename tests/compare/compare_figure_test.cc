#include "compare/compare_figure.h"

#include <gtest/gtest.h>

#include <regex>

namespace lq {
namespace {

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

bool holds_no_number(const std::string& svg) {
  return std::regex_search(svg, std::regex("[\"(, >]-?(nan|inf)[\"), <]"));
}

CompareTable plotted(const std::string& text_name) {
  CompareTable t;
  t.model = "quill";
  t.texts = {text_name};
  t.dense = {{64.0, 4.1, 9, std::nullopt}};
  for (const double bits : {0.0, 3.0, 2.5}) {
    CompareRow row;
    row.method = bits == 0.0 ? CompareMethod::kLora : CompareMethod::kOurs;
    row.budget = bits;
    row.base = CompareBase();
    row.base->bits = bits == 0.0 ? 16.0 : bits;
    CompareRun run;
    run.texts = {{bits == 0.0 ? 30.0 : 40.0 - 2.0 * bits, 3.4, 9, std::nullopt}};
    row.runs = {run};
    t.rows.push_back(row);
  }
  return t;
}

TEST(CompareFigure, EveryMethodHasItsColour) {
  CompareTable t = plotted("a.txt");
  const CompareRow row = t.rows.back();
  t.rows.clear();
  for (const CompareMethod method : all_compare_methods()) {
    t.rows.push_back(row);
    t.rows.back().method = method;
  }
  const std::string svg = compare_figure(t, 0);
  for (const CompareMethod method : all_compare_methods()) {
    EXPECT_NE(svg.find(">" + std::string(compare_method_title(method)) + "<"), std::string::npos) << svg;
  }
}

TEST(CompareFigure, TicksAreRoundAndInside) {
  EXPECT_EQ(axis_ticks(0.1, 4.9, 5), (std::vector<double>{1, 2, 3, 4}));
  const std::vector<double> tenths = axis_ticks(2.36, 3.14, 8);
  ASSERT_EQ(tenths.size(), 8u);
  for (std::size_t i = 0; i < tenths.size(); ++i)
    EXPECT_NEAR(tenths[i], 2.4 + 0.1 * static_cast<double>(i), 1e-12);
  for (const double tick : axis_ticks(33.21, 33.27, 7)) {
    EXPECT_GE(tick, 33.21);
    EXPECT_LE(tick, 33.27);
  }
}

TEST(CompareFigure, HasALineForEachMethodAndOneAcrossForTheDense) {
  const std::string svg = compare_figure(plotted("a<b.txt"), 0);
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count_of(svg, "<circle"), 2u);
  EXPECT_EQ(count_of(svg, "stroke-dasharray"), 2u);  // the line and its legend
  EXPECT_NE(svg.find(">LoRA, dense base</text>"), std::string::npos);
  EXPECT_NE(svg.find(">ours</text>"), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b.txt"), std::string::npos);
  EXPECT_FALSE(holds_no_number(svg));
  // Points go from left to right, and a larger perplexity stands higher.
  const std::regex points(
      "<polyline points=\"([0-9.]+),([0-9.]+) ([0-9.]+),([0-9.]+)\" fill=\"none\" stroke=\"#d55e00\"");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(svg, match, points)) << svg;
  EXPECT_LT(std::stod(match[1]), std::stod(match[3]));
  EXPECT_LT(std::stod(match[2]), std::stod(match[4]));
}

TEST(CompareFigure, StandsWithOnePointAndWithNone) {
  CompareTable t = plotted("a.txt");
  t.rows.resize(2);
  EXPECT_EQ(count_of(compare_figure(t, 0), "<circle"), 1u);
  for (CompareRow& row : t.rows) row.runs.clear();
  const std::string empty = compare_figure(t, 0);
  EXPECT_EQ(count_of(empty, "<circle"), 0u);
  EXPECT_FALSE(holds_no_number(empty));
}

}  // namespace
}  // namespace lq
