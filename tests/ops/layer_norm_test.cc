#include "ops/layer_norm.h"

#include <gtest/gtest.h>

#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

constexpr double kLayerEps = 1e-3;

struct Rows {
  std::int64_t rows, cols;
  std::vector<float> x, w, b, dy;
  Rows(std::int64_t r, std::int64_t c) : rows(r), cols(c) {
    const auto n = static_cast<std::size_t>(r * c);
    x = normals(n, 1, 3.0F), w = normals(static_cast<std::size_t>(c), 2);
    b = normals(static_cast<std::size_t>(c), 3), dy = normals(n, 4);
    for (float& v : x) v += 1.0F;  // a mean to take away
  }
  double at(const std::vector<float>& m, std::int64_t r, std::int64_t c) const {
    return m[static_cast<std::size_t>(r * cols + c)];
  }
  double mean(std::int64_t r) const {
    double sum = 0.0;
    for (std::int64_t c = 0; c < cols; ++c) sum += at(x, r, c);
    return sum / static_cast<double>(cols);
  }
  double rstd(std::int64_t r) const {
    double square = 0.0;
    for (std::int64_t c = 0; c < cols; ++c) square += std::pow(at(x, r, c) - mean(r), 2);
    return 1.0 / std::sqrt(square / static_cast<double>(cols) + kLayerEps);
  }
  double largest(std::int64_t r) const {
    double most = 1.0;
    for (std::int64_t c = 0; c < cols; ++c) most = std::max(most, std::abs(at(x, r, c)));
    return most;
  }
  // A sum of n numbers is off by a share of n roundings of their sizes, then differences and products.
  double share() const { return (static_cast<double>(cols) + 10.0) * kRounding; }
};

OpCase forward_of(std::int64_t rows, std::int64_t cols) {
  const Rows n(rows, cols);
  op_driver::Expected y{3, {}, {}}, mean{4, {}, {}}, rstd{5, {}, {}};
  for (std::int64_t r = 0; r < rows; ++r) {
    const double scale = n.rstd(r);
    // The mean's error moves every difference; the deviation is off by as much, relative to itself.
    const double off = n.share() * n.largest(r);
    mean.values.push_back(n.mean(r));
    mean.bounds.push_back(off);
    rstd.values.push_back(scale);
    rstd.bounds.push_back(scale * (2.0 * off * scale + n.share()));
    for (std::int64_t c = 0; c < cols; ++c) {
      const double normal = (n.at(n.x, r, c) - mean.values.back()) * scale;
      const double w = n.w[static_cast<std::size_t>(c)];
      y.values.push_back(normal * w + n.b[static_cast<std::size_t>(c)]);
      y.bounds.push_back(std::abs(w) * (off * scale + std::abs(normal) * (2.0 * off * scale + n.share())) +
                         2.0 * kRounding * std::abs(y.values.back()));
    }
  }
  const auto count = static_cast<std::size_t>(rows);
  return {.name = "layer_norm_forward " + std::to_string(rows) + " x " + std::to_string(cols),
          .operands = {{"x", rows, cols, n.x},
                       {"w", 1, cols, n.w},
                       {"b", 1, cols, n.b},
                       {"y", rows, cols, n.dy},
                       {"mean", 1, rows, normals(count, 9)},
                       {"rstd", 1, rows, normals(count, 9)}},
          .run =
              [](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                layer_norm_forward(ctx, m[0], m[1].flat(), m[2].flat(), static_cast<float>(kLayerEps), m[3],
                                   m[4].flat(), m[5].flat());
              },
          .expected = {y, mean, rstd},
          .twin = {},
          .cpu_only = true};
}

OpCase backward_of(std::int64_t rows, std::int64_t cols, bool with_dw) {
  const Rows n(rows, cols);
  const auto before = normals(n.x.size(), 5);
  const auto dw_before = normals(n.w.size(), 6), db_before = normals(n.w.size(), 7);
  std::vector<float> means, rstds;
  op_driver::Expected dx{5, {}, {}}, dw{6, {}, {}}, db{7, {}, {}};
  for (std::int64_t c = 0; c < cols; ++c) {
    dw.values.push_back(dw_before[static_cast<std::size_t>(c)]);
    db.values.push_back(db_before[static_cast<std::size_t>(c)]);
  }
  std::vector<double> dw_size(n.w.size(), 3.0), db_size(n.w.size(), 3.0);
  for (std::int64_t r = 0; r < rows; ++r) {
    means.push_back(static_cast<float>(n.mean(r)));
    rstds.push_back(static_cast<float>(n.rstd(r)));
    const double mean = means.back(), scale = rstds.back();
    const auto normal = [&](std::int64_t c) { return (n.at(n.x, r, c) - mean) * scale; };
    double level = 0.0, inner = 0.0, size = 0.0;
    for (std::int64_t c = 0; c < cols; ++c) {
      const double g = n.at(n.dy, r, c) * n.w[static_cast<std::size_t>(c)];
      level += g, inner += g * normal(c), size += std::abs(g) * (1.0 + std::abs(normal(c)));
      dw.values[static_cast<std::size_t>(c)] += n.at(n.dy, r, c) * normal(c);
      db.values[static_cast<std::size_t>(c)] += n.at(n.dy, r, c);
      dw_size[static_cast<std::size_t>(c)] += std::abs(n.at(n.dy, r, c)) * (1.0 + n.largest(r) * scale);
      db_size[static_cast<std::size_t>(c)] += std::abs(n.at(n.dy, r, c));
    }
    const double count = static_cast<double>(cols);
    for (std::int64_t c = 0; c < cols; ++c) {
      const double g = n.at(n.dy, r, c) * n.w[static_cast<std::size_t>(c)];
      const double was = before[static_cast<std::size_t>(r * cols + c)];
      dx.values.push_back(was + scale * (g - level / count - normal(c) * inner / count));
      const double parts =
          scale * (std::abs(g) + size * (1.0 + std::abs(normal(c))) * (1.0 + n.largest(r) * scale));
      dx.bounds.push_back(n.share() * (parts + std::abs(was)));
    }
  }
  const double sums = (static_cast<double>(rows) + 10.0) * kRounding;
  for (std::size_t c = 0; c < n.w.size(); ++c) {
    dw.bounds.push_back(sums * dw_size[c]);
    db.bounds.push_back(sums * db_size[c]);
  }
  std::vector<op_driver::Expected> expected = {dx};
  if (with_dw) expected.insert(expected.end(), {dw, db});
  return {.name = "layer_norm_backward " + std::to_string(rows) + " x " + std::to_string(cols),
          .operands = {{"x", rows, cols, n.x},
                       {"w", 1, cols, n.w},
                       {"mean", 1, rows, means},
                       {"rstd", 1, rows, rstds},
                       {"dy", rows, cols, n.dy},
                       {"dx", rows, cols, before},
                       {"dw", 1, cols, dw_before},
                       {"db", 1, cols, db_before}},
          .run =
              [with_dw](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                layer_norm_backward(ctx, m[0], m[1].flat(), m[2].flat(), m[3].flat(), m[4], m[5],
                                    with_dw ? m[6].flat() : Vector{}, with_dw ? m[7].flat() : Vector{});
              },
          .expected = expected,
          .twin = {},
          .cpu_only = true};
}

TEST(LayerNorm, ForwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(forward_of(rows, cols));
}

TEST(LayerNorm, BackwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    check_op(backward_of(rows, cols, true));
    check_op(backward_of(rows, cols, false));
  }
}

}  // namespace
}  // namespace lq
