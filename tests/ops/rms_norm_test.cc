#include "ops/rms_norm.h"

#include <gtest/gtest.h>

#include "backends/cuda/norm_element.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

constexpr float kNormEps = 1e-3F;

struct NormSizes {
  std::int64_t rows, cols;
  std::size_t at(std::int64_t r, std::int64_t c) const { return static_cast<std::size_t>(r * cols + c); }
  std::string text() const { return " " + std::to_string(rows) + " x " + std::to_string(cols); }
};

// 1 / sqrt(mean(x^2) + eps) of each row.
std::vector<double> rstd_in_double(const NormSizes& n, const std::vector<float>& x) {
  std::vector<double> rstd;
  for (std::int64_t r = 0; r < n.rows; ++r) {
    double square = 0.0;
    for (std::int64_t c = 0; c < n.cols; ++c) square += double{x[n.at(r, c)]} * x[n.at(r, c)];
    rstd.push_back(1.0 / std::sqrt(square / static_cast<double>(n.cols) + double{kNormEps}));
  }
  return rstd;
}

// As the lanes of a warp are added: pairs, then pairs of pairs.
float butterfly(const auto& of_lane) {
  float lanes[backends::cuda::kLanes];
  for (int l = 0; l < backends::cuda::kLanes; ++l) lanes[l] = of_lane(l);
  for (int offset = backends::cuda::kLanes / 2; offset > 0; offset /= 2) {
    for (int l = 0; l < offset; ++l) lanes[l] += lanes[l + offset];
  }
  return lanes[0];
}

OpCase forward_case(const NormSizes& n) {
  const auto count = static_cast<std::size_t>(n.rows * n.cols);
  const auto x = normals(count, 1, 3.0F);
  const auto w = normals(static_cast<std::size_t>(n.cols), 2);
  const auto rstd = rstd_in_double(n, x);
  op_driver::Expected y{2, std::vector<double>(count), std::vector<double>(count)};
  op_driver::Expected scale{3, rstd, {}};
  // A sum of n squares, none negative, is off by a share of n + 1 roundings, its root by half of that; then
  // the division, the root and two products.
  const double share = (static_cast<double>(n.cols) / 2 + 6) * kRounding;
  for (std::int64_t r = 0; r < n.rows; ++r) {
    scale.bounds.push_back(share * rstd[static_cast<std::size_t>(r)]);
    for (std::int64_t c = 0; c < n.cols; ++c) {
      const double value =
          double{x[n.at(r, c)]} * w[static_cast<std::size_t>(c)] * rstd[static_cast<std::size_t>(r)];
      y.values[n.at(r, c)] = value;
      y.bounds[n.at(r, c)] = share * std::abs(value);
    }
  }
  return {.name = "rms_norm_forward" + n.text(),
          .operands = {{"x", n.rows, n.cols, x},
                       {"w", 1, n.cols, w},
                       {"y", n.rows, n.cols, normals(count, 9)},
                       {"rstd", 1, n.rows, normals(static_cast<std::size_t>(n.rows), 9)}},
          .run =
              [](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                rms_norm_forward(ctx, m[0], m[1].flat(), kNormEps, m[2], m[3].flat());
              },
          .expected = {y, scale},
          .twin =
              [](const std::vector<Matrix>& m) {
                namespace cuda = backends::cuda;
                const std::int64_t cols = m[0].cols;
                for (std::int64_t r = 0; r < m[0].rows; ++r) {
                  const float squares =
                      butterfly([&](int l) { return cuda::squares_of_lane(cols, m[0].row(r), l); });
                  m[3].data[r] = cuda::rstd_of(squares, cols, kNormEps);
                  for (int l = 0; l < cuda::kLanes; ++l)
                    cuda::normalize_lane(cols, m[0].row(r), m[1].data, m[3].data[r], m[2].row(r), l);
                }
              }};
}

// with_dw: the weight's gradient is wanted too.
OpCase backward_case(const NormSizes& n, bool with_dw) {
  const auto count = static_cast<std::size_t>(n.rows * n.cols);
  const auto width = static_cast<std::size_t>(n.cols);
  const auto x = normals(count, 1, 3.0F);
  const auto w = normals(width, 2);
  const auto dy = normals(count, 3);
  const auto dx0 = normals(count, 4);  // dx and dw are added to
  const auto dw0 = normals(width, 5);
  std::vector<float> rstd;  // as stored: what backward reads is exact to it
  for (const double s : rstd_in_double(n, x)) rstd.push_back(static_cast<float>(s));

  op_driver::Expected dx{4, std::vector<double>(count), std::vector<double>(count)};
  op_driver::Expected dw{5, std::vector<double>(width), std::vector<double>(width)};
  const auto cols = static_cast<double>(n.cols);
  const auto rows = static_cast<double>(n.rows);
  for (std::int64_t r = 0; r < n.rows; ++r) {
    const double s = rstd[static_cast<std::size_t>(r)];
    double products = 0.0;
    double sizes = 0.0;  // of what is added up to products
    for (std::int64_t c = 0; c < n.cols; ++c) {
      const double term = double{dy[n.at(r, c)]} * w[static_cast<std::size_t>(c)] * x[n.at(r, c)];
      products += term;
      sizes += std::abs(term);
    }
    for (std::int64_t c = 0; c < n.cols; ++c) {
      const std::size_t i = n.at(r, c);
      const double direct = s * dy[i] * w[static_cast<std::size_t>(c)];
      const double along = x[i] * s * s * s / cols;
      dx.values[i] = dx0[i] + direct - along * products;
      // Each sum of n terms is off by n + 1 roundings of their sizes; the rest are single operations.
      dx.bounds[i] = kRounding * (2 * std::abs(double{dx0[i]}) + 6 * std::abs(direct) +
                                  (cols + 10) * std::abs(along) * sizes);
    }
  }
  for (std::int64_t c = 0; c < n.cols; ++c) {
    const auto j = static_cast<std::size_t>(c);
    double sum = dw0[j];
    double sizes = std::abs(double{dw0[j]});
    for (std::int64_t r = 0; r < n.rows; ++r) {
      const double term = double{dy[n.at(r, c)]} * x[n.at(r, c)] * rstd[static_cast<std::size_t>(r)];
      sum += term;
      sizes += std::abs(term);
    }
    dw.values[j] = sum;
    dw.bounds[j] = kRounding * (rows + 4) * sizes;
  }
  OpCase c{.name = (with_dw ? "rms_norm_backward" : "rms_norm_backward without dw") + n.text(),
           .operands = {{"x", n.rows, n.cols, x},
                        {"w", 1, n.cols, w},
                        {"rstd", 1, n.rows, rstd},
                        {"dy", n.rows, n.cols, dy},
                        {"dx", n.rows, n.cols, dx0},
                        {"dw", 1, n.cols, dw0}},
           .run =
               [with_dw](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                 rms_norm_backward(ctx, m[0], m[1].flat(), m[2].flat(), m[3], m[4],
                                   with_dw ? m[5].flat() : Vector());
               },
           .expected = {dx},
           .twin =
               [with_dw](const std::vector<Matrix>& m) {
                 namespace cuda = backends::cuda;
                 const std::int64_t cols = m[0].cols;
                 for (std::int64_t r = 0; r < m[0].rows; ++r) {
                   const float products = butterfly([&](int l) {
                     return cuda::products_of_lane(cols, m[3].row(r), m[1].data, m[0].row(r), l);
                   });
                   for (int l = 0; l < cuda::kLanes; ++l) {
                     cuda::norm_gradient_of_lane(cols, m[0].row(r), m[1].data, m[2].data[r], products,
                                                 m[3].row(r), m[4].row(r), l);
                   }
                 }
                 if (!with_dw) return;
                 for (std::int64_t col = 0; col < cols; ++col) {
                   float shares[cuda::kRowShares];
                   for (int s = 0; s < cuda::kRowShares; ++s) {
                     shares[s] = cuda::weight_gradient_share(m[0].rows, cols, m[0].data, m[2].data, m[3].data,
                                                             col, s);
                   }
                   cuda::add_weight_gradient(shares, 1, col, m[5].data);
                 }
               }};
  if (with_dw) c.expected.push_back(dw);
  return c;
}

TEST(RmsNorm, ForwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(forward_case({rows, cols}));
}

TEST(RmsNorm, BackwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    check_op(backward_case({rows, cols}, true));
    check_op(backward_case({rows, cols}, false));
  }
}

}  // namespace
}  // namespace lq
