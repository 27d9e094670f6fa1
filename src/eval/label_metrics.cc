#include "eval/label_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

void check_pairs(std::size_t predicted, std::size_t truth) {
  LQ_CHECK(predicted == truth && truth > 0, kInvalidArgument,
           "[metrics] {} predictions for {} labels (expected as many, and at least one)", predicted, truth);
}

// Ranks from 1; equal values share the mean of the ranks that they take together.
std::vector<double> ranks_of(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end + 1) / 2.0;
    begin = end;
  }
  return ranks;
}

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

double accuracy(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth) {
  check_pairs(predicted.size(), truth.size());
  std::int64_t right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) right += predicted[i] == truth[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

double f1_of_ones(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth) {
  check_pairs(predicted.size(), truth.size());
  std::int64_t hits = 0, ones = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    hits += predicted[i] == 1 && truth[i] == 1 ? 1 : 0;
    ones += (predicted[i] == 1 ? 1 : 0) + (truth[i] == 1 ? 1 : 0);
  }
  return ones == 0 ? 0.0 : 2.0 * static_cast<double>(hits) / static_cast<double>(ones);
}

double matthews_correlation(std::span<const std::int64_t> predicted, std::span<const std::int64_t> truth) {
  check_pairs(predicted.size(), truth.size());
  std::map<std::int64_t, std::pair<double, double>> counts;  // of each class: predicted, true
  double right = 0.0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    counts[predicted[i]].first += 1.0;
    counts[truth[i]].second += 1.0;
    right += predicted[i] == truth[i] ? 1.0 : 0.0;
  }
  const auto n = static_cast<double>(truth.size());
  double both = right * n, of_predicted = n * n, of_truth = n * n;
  for (const auto& [name, count] : counts) {
    both -= count.first * count.second;
    of_predicted -= count.first * count.first;
    of_truth -= count.second * count.second;
  }
  return of_predicted * of_truth == 0.0 ? 0.0 : both / std::sqrt(of_predicted * of_truth);
}

double pearson_correlation(std::span<const double> x, std::span<const double> y) {
  check_pairs(x.size(), y.size());
  const double mx = mean_of(x), my = mean_of(y);
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  if (xx == 0.0 || yy == 0.0) return 0.0;
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

double spearman_correlation(std::span<const double> x, std::span<const double> y) {
  check_pairs(x.size(), y.size());
  return pearson_correlation(ranks_of(x), ranks_of(y));
}

}  // namespace lq
