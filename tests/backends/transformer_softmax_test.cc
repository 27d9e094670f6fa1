// Rows of softmax, in pieces and whole, against exponentials in double.
#include "backends/cpu/transformer_softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

constexpr float kNone = -std::numeric_limits<float>::infinity();

TEST(TransformerSoftmax, PiecesOfARowAddUpToTheWhole) {
  for (const std::size_t piece : {1, 3, 8, 21, 64}) {
    auto scores = normals(97, 1, 20.0F);
    scores[10] = kNone;  // masked
    double largest = -1e300;
    for (const float s : scores) largest = std::max<double>(largest, s);
    double total = 0.0;
    for (const float s : scores) total += std::exp(double{s} - largest);

    float peak = kNone;
    float sum = 0.0F;
    std::vector<float> p;
    for (std::size_t at = 0; at < scores.size(); at += piece) {
      std::vector<float> part(
          scores.begin() + static_cast<std::ptrdiff_t>(at),
          scores.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, scores.size())));
      const float factor = online_softmax(std::ssize(part), part.data(), &peak, &sum);
      for (float& before : p) before *= factor;
      p.insert(p.end(), part.begin(), part.end());
    }
    EXPECT_EQ(peak, static_cast<float>(largest));
    EXPECT_NEAR(sum, total, 1e-5 * total);
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double want = std::exp(double{scores[i]} - largest);
      EXPECT_NEAR(p[i], want, 1e-5 * want + 1e-35) << piece << ' ' << i;
    }
  }
}

TEST(TransformerSoftmax, ARowThatIsAllMaskedHasNoSum) {
  std::vector<float> scores(9, kNone);
  float peak = kNone;
  float sum = 0.0F;
  online_softmax(9, scores.data(), &peak, &sum);
  EXPECT_EQ(sum, 0.0F);
  std::vector<float> then = {1.0F};
  online_softmax(1, then.data(), &peak, &sum);
  EXPECT_EQ(peak, 1.0F);
  EXPECT_EQ(sum, 1.0F);
}

TEST(TransformerSoftmax, LoopsOverOddLengths) {
  for (const std::size_t n : {1, 2, 7, 8, 9, 33, 100}) {
    const auto x = normals(n, 1, 10.0F);
    const auto y = normals(n, 2);
    const auto count = static_cast<std::int64_t>(n);
    double sum = 0.0;
    double product = 0.0;
    double sizes = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += std::exp(double{x[i]});
      product += double{x[i]} * y[i];
      sizes += std::abs(double{x[i]} * y[i]);
    }
    EXPECT_NEAR(log_sum_exp(count, x.data()), std::log(sum), 1e-5 * std::max(1.0, std::abs(std::log(sum))));
    EXPECT_NEAR(dot(count, x.data(), y.data()), product, 1e-6 * sizes);
    auto shifted = x;
    exp_shifted(count, 3.0F, shifted.data());
    auto scores = y;
    softmax_scores_backward(count, x.data(), 0.25F, 0.5F, scores.data());
    auto added = y;
    axpy(count, -1.5F, x.data(), added.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double e = std::exp(double{x[i]} - 3.0);
      EXPECT_NEAR(shifted[i], e, 3e-6 * e);
      const double slope = 0.5 * x[i] * (double{y[i]} - 0.25);
      EXPECT_NEAR(scores[i], slope, 1e-6 * std::abs(0.5 * x[i]) * (std::abs(y[i]) + 0.25));
      EXPECT_NEAR(added[i], y[i] - 1.5 * x[i], 1e-6 * (std::abs(y[i]) + 1.5 * std::abs(x[i])));
    }
  }
}

TEST(TransformerSoftmax, NotANumberStays) {
  std::vector<float> x(19, 1.0F);
  x[17] = std::nanf("");
  EXPECT_TRUE(std::isnan(log_sum_exp(19, x.data())));
}

}  // namespace
}  // namespace lq::backends
