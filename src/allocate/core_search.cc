#include "allocate/core_search.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>

#include "allocate/completion.h"
#include "base/error.h"

namespace lq {
namespace {

// A choice of one matrix that departs from the origin, and what it changes.
struct Departure {
  double storage;
  double error;
  double reduced;
  int choice;
};

struct OpenMatrix {
  int matrix = 0;
  double cheapest = std::numeric_limits<double>::infinity();  // least reduced cost of a departure
  std::vector<Departure> departures;
};

struct State {
  double storage;      // more than the origin's
  double error;        // more than the origin's
  std::int32_t trail;  // last departure made, or -1
};

// Departures made, as a tree towards the root.
struct Trail {
  std::int32_t before;
  std::int32_t matrix;
  std::int32_t choice;
};

class CoreSearch {
 public:
  CoreSearch(const Programme& programme, double budget, const LagrangianSolution& relaxed,
             const CoreSearchLimits& limits)
      : limits_(limits), price_(relaxed.price), bound_(relaxed.bound), target_(limits.target) {
    for (const std::vector<double>& reduced : relaxed.reduced) {
      origin_.push_back(static_cast<int>(std::min_element(reduced.begin(), reduced.end()) - reduced.begin()));
    }
    origin_error_ = total_error(programme, origin_);
    room_ = room_in(budget, total_storage(programme, origin_));
    list_open_matrices(programme, relaxed);
  }

  CoreSearchResult run() {
    states_ = {{0.0, 0.0, -1}};
    consider(states_.front());
    for (std::size_t k = 0; k < matrices_.size() && !states_.empty(); ++k) expand(k);
    CoreSearchResult result;
    result.bound = complete_ ? std::max(bound_, target_) : bound_;
    result.most_states = most_states_;
    if (!found_) return result;
    result.found = origin_;
    for (std::int32_t t = best_trail_; t >= 0; t = trails_[static_cast<std::size_t>(t)].before) {
      const Trail& trail = trails_[static_cast<std::size_t>(t)];
      (*result.found)[static_cast<std::size_t>(trail.matrix)] = trail.choice;
    }
    return result;
  }

 private:
  void list_open_matrices(const Programme& programme, const LagrangianSolution& relaxed) {
    for (std::size_t i = 0; i < origin_.size(); ++i) {
      OpenMatrix m;
      m.matrix = static_cast<int>(i);
      const std::vector<Choice>& choices = programme.matrices[i];
      const Choice& origin = choices[static_cast<std::size_t>(origin_[i])];
      for (std::size_t c = 0; c < choices.size(); ++c) {
        const double reduced = relaxed.reduced[i][c];
        if (static_cast<int>(c) == origin_[i] || reduced >= target_ - bound_) continue;
        m.departures.push_back({choices[c].storage - origin.storage, choices[c].error - origin.error, reduced,
                                static_cast<int>(c)});
        m.cheapest = std::min(m.cheapest, reduced);
      }
      if (!m.departures.empty()) matrices_.push_back(std::move(m));
    }
    std::sort(matrices_.begin(), matrices_.end(), [](const OpenMatrix& a, const OpenMatrix& b) {
      return std::tie(a.cheapest, a.matrix) < std::tie(b.cheapest, b.matrix);
    });
    for (std::size_t k = 0; k < matrices_.size(); ++k) {
      std::vector<Choice> points = {{0.0, 0.0, 0}};
      for (const Departure& d : matrices_[k].departures) points.push_back({d.storage, d.error, 0});
      completion_.add_matrix(k, std::move(points), price_);
    }
    completion_.sort();
  }

  // The state as a solution: all matrices still to come at the origin.
  void consider(const State& state) {
    if (state.storage > room_ || origin_error_ + state.error >= target_) return;
    found_ = true;
    best_trail_ = state.trail;
    target_ = (origin_error_ + state.error) * (1 - limits_.gap);
  }

  // States after matrix k has departed or not.
  void expand(std::size_t k) {
    std::vector<State> merged = states_;  // stays at the origin
    std::vector<State> shifted;
    const double limit = target_ - origin_error_;
    std::vector<State> next;
    const auto by_storage = [](const State& a, const State& b) {
      return std::tie(a.storage, a.error) < std::tie(b.storage, b.error);
    };
    pending_.clear();
    for (const Departure& d : matrices_[k].departures) {
      if (d.reduced >= target_ - bound_) continue;
      shifted.clear();
      for (const State& s : states_) {
        State to{s.storage + d.storage, s.error + d.error, 0};
        // No completion saves more than the price for each bit: the cheap half of drop_hopeless.
        if (to.error - price_ * (room_ - to.storage) >= limit) continue;
        // A departure that is not yet in trails_ is numbered -2, -3, ...; it moves there if its state
        // survives.
        pending_.push_back({s.trail, matrices_[k].matrix, d.choice});
        to.trail = -1 - static_cast<std::int32_t>(pending_.size());
        shifted.push_back(to);
      }
      next.clear();
      std::merge(merged.begin(), merged.end(), shifted.begin(), shifted.end(), std::back_inserter(next),
                 by_storage);
      drop_beaten(next);
      merged.swap(next);
    }
    drop_hopeless(k, merged);
    states_.swap(merged);
    most_states_ = std::max(most_states_, states_.size());
    for (State& state : states_) {
      if (state.trail < -1) {
        trails_.push_back(pending_[static_cast<std::size_t>(-2 - state.trail)]);
        state.trail = static_cast<std::int32_t>(trails_.size()) - 1;
      }
      consider(state);
    }
  }

  // `states` sorted by storage: keeps those with less error than all before them.
  static void drop_beaten(std::vector<State>& states) {
    double best = std::numeric_limits<double>::infinity();
    std::erase_if(states, [&](const State& s) {
      if (s.error >= best) return true;
      best = s.error;
      return false;
    });
  }

  // Keeps the states that the matrices after k may still complete to less than the target, the best of them
  // if there are too many.
  void drop_hopeless(std::size_t k, std::vector<State>& states) {
    const double limit = target_ - origin_error_;
    std::vector<double> completed(states.size());
    CompletionBound::Walk walk = completion_.after(k);
    for (std::size_t s = 0; s < states.size(); ++s) {
      completed[s] = states[s].error + walk.error_change(room_ - states[s].storage);
    }
    double cut = limit;
    if (const auto hopeful =
            std::count_if(completed.begin(), completed.end(), [&](double c) { return c < limit; });
        static_cast<std::size_t>(hopeful) > limits_.max_states) {
      complete_ = false;
      std::vector<double> sorted = completed;
      const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(limits_.max_states);
      std::nth_element(sorted.begin(), middle, sorted.end());
      cut = *middle;
    }
    std::size_t s = 0;
    std::erase_if(states, [&](const State&) { return completed[s++] >= cut; });
  }

  const CoreSearchLimits& limits_;
  double price_;
  double
      bound_;  // a choice whose reduced cost is target_ - bound_ or more is in no solution below the target
  double target_;
  double room_ = 0;  // bits left at the origin; negative where it is over the budget
  double origin_error_ = 0;
  Selection origin_;
  std::vector<OpenMatrix> matrices_;
  CompletionBound completion_;
  std::vector<State> states_;  // storage rising, error falling
  std::vector<Trail> trails_;
  std::vector<Trail> pending_;
  std::size_t most_states_ = 1;
  bool complete_ = true;
  bool found_ = false;
  std::int32_t best_trail_ = -1;
};

}  // namespace

CoreSearchResult core_search(const Programme& programme, double budget, const LagrangianSolution& relaxed,
                             const CoreSearchLimits& limits) {
  LQ_ASSERT(programme.caps.empty() && limits.target > relaxed.bound);
  return CoreSearch(programme, budget, relaxed, limits).run();
}

}  // namespace lq
