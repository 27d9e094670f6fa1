#include "ops/routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::kRounding;
using reference::normals;

constexpr std::int64_t kRoutedRows = 37, kExpertCount = 9, kUsed = 3;
// Of exp(), its sum and the quotients.
constexpr double kRoutingRoundings = 40;

struct Routed {
  std::vector<double> shares, weights;
  std::vector<std::int32_t> chosen;
};

// chosen: these experts instead of the largest.
Routed route(const std::vector<float>& logits, bool normalized,
             const std::vector<std::int32_t>& chosen = {}) {
  Routed r;
  for (std::int64_t t = 0; t < kRoutedRows; ++t) {
    const float* row = logits.data() + t * kExpertCount;
    double total = 0.0;
    for (std::int64_t e = 0; e < kExpertCount; ++e) total += std::exp(double{row[e]});
    std::vector<std::int32_t> order(kExpertCount);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [row](std::int32_t a, std::int32_t b) { return row[a] > row[b]; });
    for (std::size_t j = 0; !chosen.empty() && j < kUsed; ++j) {
      order[j] = chosen[static_cast<std::size_t>(t * kUsed) + j];
    }
    double sum = 0.0;
    for (std::int64_t j = 0; j < kUsed; ++j) sum += std::exp(double{row[order[static_cast<std::size_t>(j)]]});
    for (std::int64_t e = 0; e < kExpertCount; ++e) r.shares.push_back(std::exp(double{row[e]}) / total);
    for (std::int64_t j = 0; j < kUsed; ++j) {
      const std::int32_t e = order[static_cast<std::size_t>(j)];
      r.chosen.push_back(e);
      r.weights.push_back(std::exp(double{row[e]}) / (normalized ? sum : total));
    }
  }
  return r;
}

TEST(Routing, ForwardOnEveryDevice) {
  for (const bool normalized : {false, true}) {
    const auto logits = normals(kRoutedRows * kExpertCount, 1, 2.0F);
    const Routed want = route(logits, normalized);
    op_driver::Expected shares{0, want.shares, {}}, weights{1, want.weights, {}};
    for (const double v : want.shares) shares.bounds.push_back(kRoutingRoundings * kRounding * v);
    for (const double v : want.weights) weights.bounds.push_back(kRoutingRoundings * kRounding * v);
    op_driver::check_op({.name = "routing_forward",
                         .operands = {{"logits", kRoutedRows, kExpertCount, logits},
                                      {"weights", kRoutedRows, kUsed, normals(kRoutedRows * kUsed, 9)}},
                         .run =
                             [&](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                               std::vector<std::int32_t> chosen(kRoutedRows * kUsed);
                               routing_forward(ctx, normalized, m[0], chosen, m[1]);
                               EXPECT_EQ(chosen, want.chosen);
                             },
                         .expected = {shares, weights},
                         .twin = {},
                         .cpu_only = true});
  }
}

// Against central differences in double of sum(dweights * weights) for the same choice.
TEST(Routing, BackwardOnEveryDevice) {
  for (const bool normalized : {false, true}) {
    auto logits = normals(kRoutedRows * kExpertCount, 1, 2.0F);
    const auto dweights = normals(kRoutedRows * kUsed, 2);
    const Routed at = route(logits, normalized);
    op_driver::Expected dlogits{3, {}, {}};
    const auto value = [&](std::size_t row) {
      const Routed r = route(logits, normalized, at.chosen);
      double sum = 0.0;
      for (std::size_t j = row * kUsed; j < (row + 1) * kUsed; ++j) sum += dweights[j] * r.weights[j];
      return sum;
    };
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const float was = logits[i];
      const float high = was + 1.0F / 512.0F, low = was - 1.0F / 512.0F;
      logits[i] = high;
      const double above = value(i / kExpertCount);
      logits[i] = low;
      const double step = double{high} - double{low};
      dlogits.values.push_back((above - value(i / kExpertCount)) / step);
      logits[i] = was;
      double size = 0.0;  // of what the slopes are made of
      for (std::size_t j = 0; j < kUsed; ++j) size += std::abs(dweights[i / kExpertCount * kUsed + j]);
      // A third derivative is at most the size; the step's square over 24, and the op's own roundings.
      dlogits.bounds.push_back(size * (step * step / 24.0 + kRoutingRoundings * kRounding));
    }
    const std::vector<float> shares(at.shares.begin(), at.shares.end()),
        weights(at.weights.begin(), at.weights.end());
    op_driver::check_op({.name = "routing_backward",
                         .operands = {{"shares", kRoutedRows, kExpertCount, shares},
                                      {"weights", kRoutedRows, kUsed, weights},
                                      {"dweights", kRoutedRows, kUsed, dweights},
                                      {"dlogits", kRoutedRows, kExpertCount, shares}},
                         .run =
                             [&](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                               routing_backward(ctx, normalized, m[0], at.chosen, m[1], m[2], m[3]);
                             },
                         .expected = {dlogits},
                         .twin = {},
                         .cpu_only = true});
  }
}

TEST(Routing, OfEqualOnesTheFirstAndNeverMoreThanThereAre) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> logits(4, 1.0F), weights(5);
  std::vector<std::int32_t> chosen(2);
  routing_forward(ctx, true, {logits.data(), 1, 4}, chosen, {weights.data(), 1, 2});
  EXPECT_EQ(chosen, (std::vector<std::int32_t>{0, 1}));
  EXPECT_FLOAT_EQ(weights[0], 0.5F);
  std::vector<std::int32_t> many(5);
  EXPECT_THROW(routing_forward(ctx, true, {logits.data(), 1, 4}, many, {weights.data(), 1, 5}), Error);
}

}  // namespace
}  // namespace lq
