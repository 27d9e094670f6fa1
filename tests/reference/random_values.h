// Random inputs of tests.
#pragma once

#include <vector>

#include "base/rng.h"

namespace lq::reference {

// Independent standard normal values.
inline std::vector<float> normal(std::uint64_t seed, std::int64_t count, std::uint64_t stream) {
  ThreadPool pool(1);
  std::vector<float> x(static_cast<std::size_t>(count));
  Rng(seed, stream).fill_normal(pool, x.data(), count);
  return x;
}

}  // namespace lq::reference
