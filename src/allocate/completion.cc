#include "allocate/completion.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace lq {
namespace {

// storage[n], error[n]: sums over the first n steps that come after `order`.
void prefix_sums(const std::vector<CompletionBound::Step>& steps, std::size_t order,
                 std::vector<double>& storage, std::vector<double>& error) {
  storage = {0.0};
  error = {0.0};
  for (const CompletionBound::Step& step : steps) {
    if (step.order <= order) continue;
    storage.push_back(storage.back() + step.storage);
    error.push_back(error.back() + step.storage * step.slope);
  }
}

// The piecewise linear function through (storage[n], error[n]) at x, storage[n] <= x.
double interpolate(const std::vector<double>& storage, const std::vector<double>& error, std::size_t n,
                   double x) {
  if (n + 1 == storage.size()) return error[n];
  return error[n] + (x - storage[n]) / (storage[n + 1] - storage[n]) * (error[n + 1] - error[n]);
}

}  // namespace

void CompletionBound::add_matrix(std::size_t order, std::vector<Choice> points, double price) {
  const std::vector<Choice> efficient = drop_dominated(std::move(points));
  const std::vector<int> hull = lower_hull(efficient);
  for (std::size_t k = 1; k < hull.size(); ++k) {
    const Choice& from = efficient[static_cast<std::size_t>(hull[k - 1])];
    const Choice& to = efficient[static_cast<std::size_t>(hull[k])];
    const double storage = to.storage - from.storage;
    const Step step{(from.error - to.error) / storage, storage, order};
    // At or above the origin's storage a step is one up. Its slope is at most the price, but for rounding;
    // the caller's origin decides.
    if (from.storage >= 0) {
      up_.push_back({std::min(step.slope, price), storage, order});
    } else {
      down_.push_back({std::max(step.slope, 0.0), storage, order});
    }
  }
}

void CompletionBound::sort() {
  std::sort(up_.begin(), up_.end(), [](const Step& a, const Step& b) {
    return std::tuple(-a.slope, a.order, a.storage) < std::tuple(-b.slope, b.order, b.storage);
  });
  std::sort(down_.begin(), down_.end(), [](const Step& a, const Step& b) {
    return std::tie(a.slope, a.order, a.storage) < std::tie(b.slope, b.order, b.storage);
  });
}

CompletionBound::Walk CompletionBound::after(std::size_t order) const {
  Walk walk;
  prefix_sums(up_, order, walk.up_storage_, walk.up_error_);
  prefix_sums(down_, order, walk.down_storage_, walk.down_error_);
  walk.up_ = walk.up_storage_.size() - 1;
  return walk;
}

double CompletionBound::Walk::error_change(double room) {
  if (room >= 0) {
    while (up_storage_[up_] > room) --up_;
    return -interpolate(up_storage_, up_error_, up_, room);
  }
  const double needed = -room;
  if (needed > down_storage_.back()) return std::numeric_limits<double>::infinity();
  while (down_ + 1 < down_storage_.size() && down_storage_[down_ + 1] <= needed) ++down_;
  return interpolate(down_storage_, down_error_, down_, needed);
}

}  // namespace lq
