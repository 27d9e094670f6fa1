// The tree of dist/tree.h over parts that are all there: the reference for sums that come in by and by.
#pragma once

#include <cstdint>

namespace lq {

// Calls add(to, from) in order, after which part 0 holds the sum.
template <typename Add>
void add_by_tree(std::int64_t parts, const Add& add) {
  for (std::int64_t step = 1; step < parts; step *= 2) {
    for (std::int64_t i = 0; i + step < parts; i += 2 * step) add(i, i + step);
  }
}

}  // namespace lq
