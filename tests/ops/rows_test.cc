#include "ops/rows.h"

#include <gtest/gtest.h>

#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::kRounding;
using reference::normals;

constexpr std::int64_t kAllRows = 71, kSomeRows = 40, kRowCols = 19;

// Every other row and some more, each once, in no order.
std::vector<std::int32_t> some_rows() {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < kSomeRows; ++i)
    rows.push_back((i * 29 + 5) % static_cast<std::int32_t>(kAllRows));
  return rows;
}

TEST(Rows, AreTakenOnEveryDevice) {
  const auto from = normals(kAllRows * kRowCols, 1);
  op_driver::Expected to{1, {}, {}};
  for (const std::int32_t row : some_rows()) {
    for (std::int64_t c = 0; c < kRowCols; ++c) {
      to.values.push_back(from[static_cast<std::size_t>(row * kRowCols + c)]);
      to.bounds.push_back(0.0);
    }
  }
  op_driver::check_op({.name = "take_rows",
                       .operands = {{"from", kAllRows, kRowCols, from},
                                    {"to", kSomeRows, kRowCols, normals(kSomeRows * kRowCols, 9)}},
                       .run = [](Context& ctx, Workspace&,
                                 const std::vector<Matrix>& m) { take_rows(ctx, m[0], some_rows(), m[1]); },
                       .expected = {to},
                       .twin = {},
                       .cpu_only = true});
}

TEST(Rows, AreAddedWeighedOnEveryDevice) {
  const auto from = normals(kSomeRows * kRowCols, 1), factors = normals(kSomeRows, 2);
  const auto before = normals(kAllRows * kRowCols, 3);
  op_driver::Expected to{2, {before.begin(), before.end()}, std::vector<double>(before.size(), 0.0)};
  const auto rows = some_rows();
  for (std::int64_t i = 0; i < kSomeRows; ++i) {
    for (std::int64_t c = 0; c < kRowCols; ++c) {
      const auto at = static_cast<std::size_t>(rows[static_cast<std::size_t>(i)] * kRowCols + c);
      const double part =
          double{factors[static_cast<std::size_t>(i)]} * from[static_cast<std::size_t>(i * kRowCols + c)];
      to.values[at] += part;
      to.bounds[at] = 3.0 * kRounding * (std::abs(part) + std::abs(before[at]));
    }
  }
  op_driver::check_op(
      {.name = "add_rows",
       .operands = {{"from", kSomeRows, kRowCols, from},
                    {"factors", 1, kSomeRows, factors},
                    {"to", kAllRows, kRowCols, before}},
       .run = [](Context& ctx, Workspace&,
                 const std::vector<Matrix>& m) { add_rows(ctx, m[0], m[1].flat(), some_rows(), m[2]); },
       .expected = {to},
       .twin = {},
       .cpu_only = true});
}

TEST(Rows, DotsAndFactorsOnEveryDevice) {
  const auto x = normals(kSomeRows * kRowCols, 1), y = normals(kSomeRows * kRowCols, 2);
  const auto factors = normals(kSomeRows, 3);
  op_driver::Expected dots{2, {}, {}}, scaled{1, {}, {}};
  for (std::int64_t i = 0; i < kSomeRows; ++i) {
    double dot = 0.0, size = 0.0;
    for (std::int64_t c = 0; c < kRowCols; ++c) {
      const auto at = static_cast<std::size_t>(i * kRowCols + c);
      dot += double{x[at]} * y[at];
      size += std::abs(double{x[at]} * y[at]);
      scaled.values.push_back(double{factors[static_cast<std::size_t>(i)]} * y[at]);
      scaled.bounds.push_back(2.0 * kRounding * std::abs(scaled.values.back()));
    }
    dots.values.push_back(dot);
    dots.bounds.push_back((kRowCols + 1) * kRounding * size);
  }
  op_driver::check_op({.name = "row_dots, scale_rows",
                       .operands = {{"x", kSomeRows, kRowCols, x},
                                    {"y", kSomeRows, kRowCols, y},
                                    {"dots", 1, kSomeRows, factors},
                                    {"factors", 1, kSomeRows, factors}},
                       .run =
                           [](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                             row_dots(ctx, m[0], m[1], m[2].flat());
                             scale_rows(ctx, m[3].flat(), m[1]);
                           },
                       .expected = {dots, scaled},
                       .twin = {},
                       .cpu_only = true});
}

TEST(Rows, RefusesRowsThatAreNotThere) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> a(4), b(4);
  const std::vector<std::int32_t> far = {0, 2};
  EXPECT_THROW(take_rows(ctx, {a.data(), 2, 2}, far, {b.data(), 2, 2}), Error);
}

}  // namespace
}  // namespace lq
