#include "allocate/choices.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "allocate/compensated_sum.h"
#include "base/error.h"

namespace lq {
namespace {

const Choice& chosen(const Programme& programme, const Selection& selection, std::size_t matrix) {
  return programme.matrices[matrix][static_cast<std::size_t>(selection[matrix])];
}

}  // namespace

std::vector<Choice> drop_dominated(std::vector<Choice> choices) {
  std::sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return std::tie(a.storage, a.error, a.column) < std::tie(b.storage, b.error, b.column);
  });
  std::vector<Choice> kept;
  for (const Choice& choice : choices) {
    if (kept.empty() || choice.error < kept.back().error) kept.push_back(choice);
  }
  return kept;
}

std::vector<int> lower_hull(std::span<const Choice> efficient) {
  std::vector<int> hull;
  const auto at = [&](int position) -> const Choice& {
    return efficient[static_cast<std::size_t>(position)];
  };
  // Error saved per bit from a to b.
  const auto slope = [&](int a, int b) {
    return (at(a).error - at(b).error) / (at(b).storage - at(a).storage);
  };
  for (int next = 0; next < static_cast<int>(efficient.size()); ++next) {
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) <= slope(hull.back(), next)) {
      hull.pop_back();
    }
    hull.push_back(next);
  }
  return hull;
}

double total_error(const Programme& programme, const Selection& selection) {
  LQ_ASSERT(selection.size() == programme.matrices.size());
  CompensatedSum sum;
  for (std::size_t i = 0; i < selection.size(); ++i) sum.add(chosen(programme, selection, i).error);
  return sum.value();
}

double total_storage(const Programme& programme, const Selection& selection) {
  LQ_ASSERT(selection.size() == programme.matrices.size());
  CompensatedSum sum;
  for (std::size_t i = 0; i < selection.size(); ++i) sum.add(chosen(programme, selection, i).storage);
  return sum.value();
}

double cap_storage(const Programme& programme, const Selection& selection, const Cap& cap) {
  CompensatedSum sum;
  for (const int i : cap.members) sum.add(chosen(programme, selection, static_cast<std::size_t>(i)).storage);
  return sum.value();
}

double with_rounding(double limit) { return limit * (1 + 8 * std::numeric_limits<double>::epsilon()); }

double room_in(double limit, double storage) {
  return limit * (1 + 4 * std::numeric_limits<double>::epsilon()) - storage;
}

bool fits(const Programme& programme, const Selection& selection, double budget) {
  if (total_storage(programme, selection) > with_rounding(budget)) return false;
  return std::all_of(programme.caps.begin(), programme.caps.end(), [&](const Cap& cap) {
    return cap_storage(programme, selection, cap) <= with_rounding(cap.storage);
  });
}

}  // namespace lq
