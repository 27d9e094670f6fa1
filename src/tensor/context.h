// What every computation is given: threads, randomness, and a way to be stopped. Passed, never found.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/stop.h"

namespace lq {

// Cheap to copy; REQUIRES: pool and progress outlive it.
struct Context {
  ThreadPool& pool;
  Progress& progress;
  std::uint64_t seed = 0;
  StopToken stop;
};

}  // namespace lq
