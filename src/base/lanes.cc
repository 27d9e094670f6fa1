#include "base/lanes.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lq {

void run_in_lanes(int lanes, std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::mutex mutex;  // guards what follows
  std::int64_t next = 0;
  std::int64_t failed = count;
  std::exception_ptr error;
  const auto lane = [&] {
    std::unique_lock lock(mutex);
    while (next < count && !error) {
      const std::int64_t i = next++;
      lock.unlock();
      try {
        body(i);
        lock.lock();
      } catch (...) {
        lock.lock();
        if (i < failed) {
          failed = i;
          error = std::current_exception();
        }
      }
    }
  };
  std::vector<std::thread> others;
  const auto most = std::min<std::int64_t>(lanes, count);
  for (std::int64_t i = 1; i < most; ++i) others.emplace_back(lane);
  lane();
  for (std::thread& t : others) t.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace lq
