// RMS norm against its formula in double, and its gradients against central differences of that formula.
#include "backends/cpu/transformer_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;
using Numbers = std::vector<double>;

constexpr double kEps = 1e-5;

// sum over rows and columns of dy * w * x / sqrt(mean(x^2) + eps).
double weighted_output(const Numbers& x, const Numbers& w, const std::vector<float>& dy) {
  const std::size_t cols = w.size();
  double sum = 0.0;
  for (std::size_t row = 0; row < x.size(); row += cols) {
    double square = 0.0;
    for (std::size_t k = 0; k < cols; ++k) square += x[row + k] * x[row + k];
    const double rstd = 1.0 / std::sqrt(square / static_cast<double>(cols) + kEps);
    for (std::size_t k = 0; k < cols; ++k) sum += dy[row + k] * w[k] * x[row + k] * rstd;
  }
  return sum;
}

Numbers slopes(Numbers& at, const auto& value) {
  Numbers all;
  for (double& v : at) {
    const double was = v;
    v = was + 1e-5;
    const double above = value();
    v = was - 1e-5;
    all.push_back((above - value()) / 2e-5);
    v = was;
  }
  return all;
}

TEST(TransformerNorm, ForwardAndBackwardOverOddWidths) {
  for (const std::size_t cols : {3, 5, 16, 37, 130}) {
    const std::size_t rows = 3;
    const auto x = normals(rows * cols, 1);
    const auto w = normals(cols, 2);
    const auto dy = normals(rows * cols, 3);
    const auto r = static_cast<std::int64_t>(rows);
    const auto c = static_cast<std::int64_t>(cols);
    std::vector<float> y(x.size());
    std::vector<float> rstd(rows);
    rms_norm_forward(r, c, x.data(), w.data(), static_cast<float>(kEps), y.data(), rstd.data());
    for (std::size_t row = 0; row < rows; ++row) {
      double square = 0.0;
      for (std::size_t k = 0; k < cols; ++k) square += double{x[row * cols + k]} * x[row * cols + k];
      const double want = 1.0 / std::sqrt(square / static_cast<double>(cols) + kEps);
      EXPECT_NEAR(rstd[row], want, 1e-6 * want);
      for (std::size_t k = 0; k < cols; ++k) {
        const double out = double{w[k]} * x[row * cols + k] * want;
        EXPECT_NEAR(y[row * cols + k], out, 2e-6 * std::abs(out));
      }
    }
    auto in_place = x;
    rms_norm_forward(r, c, in_place.data(), w.data(), static_cast<float>(kEps), in_place.data(), rstd.data());
    EXPECT_EQ(in_place, y);

    Numbers wide_x(x.begin(), x.end());
    Numbers wide_w(w.begin(), w.end());
    const auto value = [&] { return weighted_output(wide_x, wide_w, dy); };
    std::vector<float> dx(x.size(), 1.0F);  // gradients are added to what is there
    std::vector<float> dw(cols, -2.0F);
    rms_norm_backward(r, c, x.data(), w.data(), rstd.data(), dy.data(), dx.data(), dw.data());
    for (float& v : dx) v -= 1.0F;
    for (float& v : dw) v += 2.0F;
    EXPECT_LT(reference::relative_difference(dx, slopes(wide_x, value)), 1e-5) << cols;
    EXPECT_LT(reference::relative_difference(dw, slopes(wide_w, value)), 1e-5) << cols;
    std::vector<float> alone(x.size(), 1.0F);
    rms_norm_backward(r, c, x.data(), w.data(), rstd.data(), dy.data(), alone.data(), nullptr);
    for (float& v : alone) v -= 1.0F;
    EXPECT_EQ(alone, dx);
  }
}

}  // namespace
}  // namespace lq::backends
