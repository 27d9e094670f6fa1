// The paper's way to split a budget: the matrices are cut into chunks in their order, each chunk may take an
// equal share of all bits, and is solved alone (LQ-LoRA's code: compute_qconfig_assignments with num_chunks).
// Each chunk is solved by dynamic programming over storage in units of 1/20000 of its share, rounded up.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "allocate/choices.h"

namespace lq::reference {

// Least total error of matrices [begin, end) with at most `budget` bits, or none.
inline std::optional<double> grid_optimum(const Programme& programme, std::size_t begin, std::size_t end,
                                          double budget) {
  constexpr std::size_t kUnits = 20000;
  constexpr double kNone = std::numeric_limits<double>::infinity();
  std::vector<double> best(kUnits + 1, kNone);
  best[0] = 0;
  for (std::size_t i = begin; i < end; ++i) {
    std::vector<double> next(kUnits + 1, kNone);
    for (const Choice& choice : programme.matrices[i]) {
      const auto units = static_cast<std::size_t>(std::ceil(choice.storage / budget * kUnits));
      for (std::size_t u = units; u <= kUnits; ++u)
        next[u] = std::min(next[u], best[u - units] + choice.error);
    }
    best.swap(next);
  }
  const double least = *std::min_element(best.begin(), best.end());
  return least == kNone ? std::nullopt : std::optional(least);
}

// REQUIRES: the number of matrices is a multiple of `chunks`, as in the paper's code.
inline std::optional<double> chunked_optimum(const Programme& programme, double budget, std::size_t chunks) {
  const std::size_t size = programme.matrices.size() / chunks;
  double total = 0;
  for (std::size_t k = 0; k < chunks; ++k) {
    const auto part = grid_optimum(programme, k * size, (k + 1) * size, budget / static_cast<double>(chunks));
    if (!part) return std::nullopt;
    total += *part;
  }
  return total;
}

}  // namespace lq::reference
