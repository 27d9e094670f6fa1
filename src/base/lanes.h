// Work whose parts do not all use every thread: several pieces of it side by side, so that what one piece
// does alone (a small eigenproblem, a file) passes while another has the pool.
#pragma once

#include <cstdint>
#include <functional>

namespace lq {

// Calls body(i) for each i in [0, count), begun in this order, at most `lanes` at a time, each lane in a
// thread of its own (one of them the caller's) that may run a ThreadPool. Returns when all are done. Where
// one throws, none begins after it; the exception of the lowest i is rethrown here.
void run_in_lanes(int lanes, std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace lq
