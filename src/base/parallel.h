// A thread pool and loops over it. Work is cut into chunks whose size never depends on the number of threads,
// so a sum over chunks in chunk order is the same on 1, 2 or 64 threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace lq {

class ThreadPool {
 public:
  // threads <= 0: one per processor. The calling thread counts as one of them. Throws Error(kIo) where the
  // system does not give so many.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  // Threads that a run() begun here is shared among: 1 from inside a body.
  int available() const;

  // Calls body(i) for each i in [0, count), in any order, and returns when all are done. A call from inside a
  // body runs in that thread. The first exception is rethrown here. One caller at a time: others wait their
  // turn.
  void run(std::int64_t count, FunctionRef<void(std::int64_t)> body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A new thread, the `number`th of so many. Throws Error(kIo) where the system gives none.
std::thread start_thread(std::function<void()> body, int number, int of);

// Calls body(begin, end) over [0, count) in chunks of `grain` (the last one shorter).
void parallel_for(ThreadPool& pool, std::int64_t count, std::int64_t grain,
                  FunctionRef<void(std::int64_t begin, std::int64_t end)> body);

// Sum over chunks of partial(begin, end), added in chunk order: the same bits on any number of threads.
template <typename Partial>
double parallel_sum(ThreadPool& pool, std::int64_t count, std::int64_t grain, const Partial& partial) {
  const std::int64_t chunks = (count + grain - 1) / grain;
  std::vector<double> sums(static_cast<std::size_t>(chunks), 0.0);
  parallel_for(pool, count, grain, [&](std::int64_t begin, std::int64_t end) {
    sums[static_cast<std::size_t>(begin / grain)] = partial(begin, end);
  });
  double total = 0.0;
  for (const double s : sums) total += s;
  return total;
}

}  // namespace lq
