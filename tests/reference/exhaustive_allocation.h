// The allocation programme solved by trying everything.
#pragma once

#include <cmath>
#include <limits>
#include <optional>

#include "allocate/choices.h"
#include "base/rng.h"

namespace lq::reference {

// The first selection of least total error that fits, or none.
inline std::optional<Selection> exhaustive(const Programme& programme, double budget) {
  std::optional<Selection> best;
  double least = std::numeric_limits<double>::infinity();
  Selection selection(programme.matrices.size(), 0);
  while (true) {
    if (fits(programme, selection, budget)) {
      if (const double error = total_error(programme, selection); error < least) {
        least = error;
        best = selection;
      }
    }
    std::size_t i = 0;
    while (i < selection.size() && ++selection[i] == static_cast<int>(programme.matrices[i].size())) {
      selection[i++] = 0;
    }
    if (i == selection.size()) return best;
  }
}

// A small programme of every kind: few or many choices, sizes alike or far apart, storages on a grid (so that
// budgets are met exactly and choices tie) or not, errors from 0 up over many orders of magnitude.
inline Programme random_programme(std::uint64_t seed, bool with_caps) {
  const Rng rng(seed, stream_of("random_programme"));
  std::uint64_t next = 0;
  const auto uniform = [&] { return rng.uniform(next++); };
  Programme programme;
  const int count = 1 + static_cast<int>(uniform() * 6);
  const bool grid = uniform() < 0.5;
  const double spread = uniform() < 0.5 ? 1 : 12;
  for (int i = 0; i < count; ++i) {
    const double size = std::floor(1 + uniform() * (uniform() < 0.5 ? 3 : 1000)) * 64;
    std::vector<Choice> choices;
    const int options = 1 + static_cast<int>(uniform() * 6);
    for (int c = 0; c < options; ++c) {
      double bits = 2 + uniform() * 6;
      if (grid) bits = std::floor(bits * 2) / 2;
      double error = uniform() < 0.05 ? 0 : std::exp(-bits + spread * (uniform() - 0.5)) * size;
      if (grid && uniform() < 0.3) error = std::floor(error);
      choices.push_back({bits * size, error, c});
    }
    programme.matrices.push_back(drop_dominated(choices));
  }
  programme.cap_of.assign(programme.matrices.size(), -1);
  if (with_caps) {
    const int caps = 1 + static_cast<int>(uniform() * 2);
    for (int g = 0; g < caps; ++g) {
      Cap cap{"cap", 0, {}};
      double most = 0;
      double least = 0;
      for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (programme.cap_of[at] >= 0 || uniform() < 0.4) continue;
        programme.cap_of[at] = static_cast<int>(programme.caps.size());
        cap.members.push_back(i);
        least += programme.matrices[at].front().storage;
        most += programme.matrices[at].back().storage;
      }
      cap.storage = least + uniform() * (most - least);
      if (!cap.members.empty()) programme.caps.push_back(cap);
    }
  }
  return programme;
}

// A budget between the least and a little above the most that can be used.
inline double random_budget(const Programme& programme, std::uint64_t seed) {
  double least = 0;
  double most = 0;
  for (const auto& choices : programme.matrices) {
    least += choices.front().storage;
    most += choices.back().storage;
  }
  const double at = Rng(seed, stream_of("random_budget")).uniform(0) * 1.1;
  return at < 0.05 ? least : least + (at - 0.05) * (most - least);
}

}  // namespace lq::reference
