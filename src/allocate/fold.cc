#include "allocate/fold.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace lq {
namespace {

// A combination of the members so far.
struct Combination {
  double storage;
  double error;
  double reduced;
  std::int32_t before;
  std::int32_t choice;
};

// Sorts by storage and keeps what nothing before it beats on the error.
void drop_beaten(std::vector<Combination>& list) {
  std::sort(list.begin(), list.end(), [](const Combination& a, const Combination& b) {
    return std::tie(a.storage, a.error, a.before, a.choice) <
           std::tie(b.storage, b.error, b.before, b.choice);
  });
  double best = std::numeric_limits<double>::infinity();
  std::erase_if(list, [&](const Combination& c) {
    if (c.error >= best) return true;
    best = c.error;
    return false;
  });
}

// Keeps the `most` of least reduced cost; false if any went.
bool truncate(std::vector<Combination>& list, std::size_t most) {
  if (list.size() <= most) return true;
  std::vector<double> costs;
  for (const Combination& c : list) costs.push_back(c.reduced);
  const auto middle = costs.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(costs.begin(), middle, costs.end());
  std::erase_if(list, [limit = *middle](const Combination& c) { return c.reduced >= limit; });
  return false;
}

}  // namespace

Folded::Folded(const Programme& programme, const LagrangianSolution& relaxed, double window,
               std::size_t max_states)
    : original_(&programme), levels_(programme.caps.size()) {
  for (std::size_t i = 0; i < programme.matrices.size(); ++i) {
    if (programme.cap_of[i] >= 0) continue;
    free_.push_back(static_cast<int>(i));
    folded_.matrices.push_back(programme.matrices[i]);
  }
  for (std::size_t g = 0; g < programme.caps.size(); ++g) {
    if (!fold_cap(g, relaxed, window, max_states)) {
      folded_.matrices.clear();
      return;
    }
  }
  folded_.cap_of.assign(folded_.matrices.size(), -1);
}

bool Folded::fold_cap(std::size_t cap_index, const LagrangianSolution& relaxed, double window,
                      std::size_t max_states) {
  const Cap& cap = original_->caps[cap_index];
  const double limit = room_in(cap.storage, 0);
  const double extra = relaxed.prices[static_cast<std::size_t>(cap.members.front())] - relaxed.price;
  double least_rest = 0;
  double most_rest = 0;
  for (const int i : cap.members) {
    least_rest += original_->matrices[static_cast<std::size_t>(i)].front().storage;
    most_rest += original_->matrices[static_cast<std::size_t>(i)].back().storage;
  }
  std::vector<Combination> list = {{0, 0, 0, -1, -1}};
  for (const int i : cap.members) {
    const std::vector<Choice>& choices = original_->matrices[static_cast<std::size_t>(i)];
    const std::vector<double>& reduced = relaxed.reduced[static_cast<std::size_t>(i)];
    least_rest -= choices.front().storage;
    most_rest -= choices.back().storage;
    std::vector<Combination> next;
    for (std::size_t s = 0; s < list.size(); ++s) {
      for (std::size_t c = 0; c < choices.size(); ++c) {
        const Combination to{list[s].storage + choices[c].storage, list[s].error + choices[c].error,
                             list[s].reduced + reduced[c], static_cast<std::int32_t>(s),
                             static_cast<std::int32_t>(c)};
        const double unused = std::max(0.0, cap.storage - to.storage - most_rest);
        if (to.reduced + extra * unused < window && to.storage + least_rest <= limit) next.push_back(to);
      }
    }
    drop_beaten(next);
    complete_ = truncate(next, max_states) && complete_;
    list.swap(next);
    Level level;
    for (const Combination& c : list) level.push_back({c.before, c.choice});
    levels_[cap_index].push_back(std::move(level));
  }
  std::vector<Choice> combined;
  for (std::size_t s = 0; s < list.size(); ++s) {
    combined.push_back({list[s].storage, list[s].error, static_cast<int>(s)});
  }
  if (combined.empty()) return false;
  folded_.matrices.push_back(std::move(combined));
  return true;
}

Selection Folded::expand(const Selection& selection) const {
  Selection expanded(original_->matrices.size(), 0);
  for (std::size_t k = 0; k < free_.size(); ++k) expanded[static_cast<std::size_t>(free_[k])] = selection[k];
  for (std::size_t g = 0; g < levels_.size(); ++g) {
    const auto place = static_cast<std::size_t>(selection[free_.size() + g]);
    std::int32_t at = folded_.matrices[free_.size() + g][place].column;
    for (std::size_t n = levels_[g].size(); n-- > 0;) {
      const Step& step = levels_[g][n][static_cast<std::size_t>(at)];
      expanded[static_cast<std::size_t>(original_->caps[g].members[n])] = step.choice;
      at = step.before;
    }
  }
  return expanded;
}

}  // namespace lq
