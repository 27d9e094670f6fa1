#include "allocate/relaxation.h"

#include <algorithm>
#include <tuple>

#include "allocate/compensated_sum.h"
#include "base/error.h"

namespace lq {

Relaxation::Relaxation(const Programme& programme) : programme_(&programme) {
  const std::size_t count = programme.matrices.size();
  const Selection smallest(count, 0);
  Selection largest(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<Choice>& choices = programme.matrices[i];
    LQ_ASSERT(!choices.empty());
    largest[i] = static_cast<int>(choices.size()) - 1;
    const std::vector<int> hull = lower_hull(choices);
    for (std::size_t k = 1; k < hull.size(); ++k) {
      const Choice& from = choices[static_cast<std::size_t>(hull[k - 1])];
      const Choice& to = choices[static_cast<std::size_t>(hull[k])];
      const double storage = to.storage - from.storage;
      steps_.push_back({(from.error - to.error) / storage, storage, static_cast<int>(i), hull[k]});
    }
  }
  least_ = total_storage(programme, smallest);
  most_ = total_storage(programme, largest);
  std::sort(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) {
    return std::tuple(-a.slope, a.matrix, a.to) < std::tuple(-b.slope, b.matrix, b.to);
  });

  // Fill each cap in order of slope; what lies beyond it drops out of the list.
  cap_prices_.assign(programme.caps.size(), 0.0);
  std::vector<double> room(programme.caps.size());
  for (std::size_t g = 0; g < room.size(); ++g) {
    room[g] = std::max(0.0, programme.caps[g].storage - cap_storage(programme, smallest, programme.caps[g]));
  }
  std::erase_if(steps_, [&](Step& step) {
    const int cap = programme.cap_of[static_cast<std::size_t>(step.matrix)];
    if (cap < 0) return false;
    const auto g = static_cast<std::size_t>(cap);
    if (cap_prices_[g] > 0) return true;
    if (step.storage > room[g]) {
      cap_prices_[g] = step.slope;
      step.storage = room[g];
    }
    room[g] -= step.storage;
    return step.storage <= 0;
  });

  cumulative_.reserve(steps_.size());
  double storage = least_;
  for (const Step& step : steps_) cumulative_.push_back(storage += step.storage);
}

double Relaxation::price_at(double budget) const {
  const auto first_over = std::upper_bound(cumulative_.begin(), cumulative_.end(), with_rounding(budget));
  if (first_over == cumulative_.end()) return 0;
  return steps_[static_cast<std::size_t>(first_over - cumulative_.begin())].slope;
}

Selection Relaxation::greedy_at(double budget) const {
  Selection selection(programme_->matrices.size(), 0);
  std::vector<bool> stuck(selection.size(), false);
  CompensatedSum total;
  total.add(least_);
  std::vector<CompensatedSum> cap_totals(programme_->caps.size());
  for (std::size_t g = 0; g < cap_totals.size(); ++g) {
    cap_totals[g].add(cap_storage(*programme_, selection, programme_->caps[g]));
  }
  for (const Step& step : steps_) {
    const auto i = static_cast<std::size_t>(step.matrix);
    if (stuck[i]) continue;
    const std::vector<Choice>& choices = programme_->matrices[i];
    const double storage = choices[static_cast<std::size_t>(step.to)].storage -
                           choices[static_cast<std::size_t>(selection[i])].storage;
    double room = room_in(budget, total.value());
    if (const int cap = programme_->cap_of[i]; cap >= 0) {
      const auto g = static_cast<std::size_t>(cap);
      room = std::min(room, room_in(programme_->caps[g].storage, cap_totals[g].value()));
      if (storage <= room) cap_totals[g].add(storage);
    }
    if (storage <= room) {
      total.add(storage);
      selection[i] = step.to;
    } else {
      stuck[i] = true;
    }
  }
  return selection;
}

LagrangianSolution Relaxation::at(double budget) const {
  LagrangianSolution solution;
  solution.price = price_at(budget);
  solution.greedy = greedy_at(budget);

  // Dual value, with storage counted from the greedy solution: small numbers, little cancellation.
  const double price = solution.price;
  double bound = -price * (budget - total_storage(*programme_, solution.greedy));
  for (std::size_t g = 0; g < cap_prices_.size(); ++g) {
    const Cap& cap = programme_->caps[g];
    const double extra = std::max(0.0, cap_prices_[g] - price);
    bound -= extra * (cap.storage - cap_storage(*programme_, solution.greedy, cap));
  }
  const std::size_t count = programme_->matrices.size();
  solution.prices.resize(count);
  solution.reduced.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<Choice>& choices = programme_->matrices[i];
    const int cap = programme_->cap_of[i];
    const double p = cap < 0 ? price : std::max(price, cap_prices_[static_cast<std::size_t>(cap)]);
    const double origin = choices[static_cast<std::size_t>(solution.greedy[i])].storage;
    std::vector<double>& costs = solution.reduced[i];
    costs.reserve(choices.size());
    for (const Choice& choice : choices) costs.push_back(choice.error + p * (choice.storage - origin));
    const double best = *std::min_element(costs.begin(), costs.end());
    for (double& cost : costs) cost -= best;
    bound += best;
    solution.prices[i] = p;
  }
  solution.bound = std::max(0.0, bound);
  return solution;
}

}  // namespace lq
