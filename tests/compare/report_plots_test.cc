#include "compare/report_plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lq {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(ReportPlots, ACurveHasItsPointsAndNoOthers) {
  const std::string svg = loss_curve({{1, 3.0}, {2, std::nan("")}, {3, 1.0}},
                                     {{0, 4.0}, {3, std::numeric_limits<double>::infinity()}}, "loss <nats>");
  EXPECT_EQ(count(svg, "<circle"), 1U);
  EXPECT_EQ(svg.find("nan,"), std::string::npos);
  EXPECT_EQ(svg.find(",nan"), std::string::npos);
  EXPECT_EQ(svg.find("\"inf"), std::string::npos);
  EXPECT_NE(svg.find("loss &lt;nats&gt;"), std::string::npos);
  const std::size_t begin = svg.find("<polyline points=\"") + 18;
  const std::string points = svg.substr(begin, svg.find('"', begin) - begin);
  EXPECT_EQ(count(points, ","), 2U);  // two of three
  // The lower loss stands lower: its y is larger.
  EXPECT_LT(std::stod(points.substr(points.find(',') + 1)), std::stod(points.substr(points.rfind(',') + 1)));
  EXPECT_EQ(count(loss_curve({}, {}, ""), "<circle"), 0U);
  EXPECT_EQ(loss_curve({{5, 1.0}}, {}, "").find(",nan"), std::string::npos);  // one point alone
}

TEST(ReportPlots, AGridHasACellForEachMatrix) {
  const std::string svg =
      matrix_grid({{0, "q<", 2.0, "first"}, {0, "up", 3.0, ""}, {7, "q<", 4.0, "l&st"}}, "Bits");
  EXPECT_EQ(count(svg, "<rect"), 3U);
  EXPECT_EQ(count(svg, "rotate(-45)"), 2U);
  EXPECT_NE(svg.find("Bits: 2 (blue) to 4 (yellow)"), std::string::npos);
  EXPECT_NE(svg.find("<title>l&amp;st</title>"), std::string::npos);
  EXPECT_NE(svg.find("#26467d"), std::string::npos);
  EXPECT_NE(svg.find("#fde74c"), std::string::npos);
  EXPECT_EQ(count(matrix_grid({{-1, "head", 4.0, ""}}, "Bits"), "<rect"), 1U);  // all alike
  EXPECT_EQ(count(matrix_grid({}, "Bits"), "<rect"), 0U);
}

}  // namespace
}  // namespace lq
