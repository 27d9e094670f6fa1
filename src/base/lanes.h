// Several pieces of work side by side, each with some of the threads: what a piece does on one thread alone
// (a small eigenproblem, a file) then leaves only its own few waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/parallel.h"

namespace lq {

// Calls body(i, pool) for each i in [0, count), begun in this order, in `lanes` lanes; each runs its pieces
// one after the other with a pool of its own, and all of them together have `threads` threads (at least one
// each). Returns when all are done. Where one throws, none begins after it; the exception of the lowest i is
// rethrown here. Throws Error(kIo) where the system gives too few threads.
void run_in_lanes(int lanes, int threads, std::int64_t count,
                  const std::function<void(std::int64_t i, ThreadPool& pool)>& body);

// How pieces are shared out: the first `together` of them one at a time by all threads, then the others in
// lanes.
struct LanePlan {
  std::int64_t together = 0;
  int lanes = 1;
};
// The plan that ends first, for pieces of these sizes, largest first, where a fifth of a piece's work is one
// thread's. most_lanes: pieces that memory has room for at once.
LanePlan plan_lanes(std::span<const std::int64_t> sizes, int threads, int most_lanes);

}  // namespace lq
