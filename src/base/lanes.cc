#include "base/lanes.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lq {
namespace {

// Of the work of a piece: measured at decomposing a block of a 7B model.
constexpr double kSerial = 0.2;

double time_on(std::int64_t size, int threads) {
  return static_cast<double>(size) * (kSerial + (1.0 - kSerial) / threads);
}

// When the last lane ends, where each takes the next piece as soon as it is free.
double time_in_lanes(std::span<const std::int64_t> sizes, int threads, int lanes) {
  std::vector<double> ends(static_cast<std::size_t>(lanes), 0.0);
  for (const std::int64_t size : sizes) *std::ranges::min_element(ends) += time_on(size, threads / lanes);
  return *std::ranges::max_element(ends);
}

}  // namespace

void run_in_lanes(int lanes, int threads, std::int64_t count,
                  const std::function<void(std::int64_t, ThreadPool&)>& body) {
  std::mutex mutex;  // guards what follows
  std::int64_t next = 0;
  std::int64_t failed = count;
  std::exception_ptr error;
  // An error of piece i, -1: of the lanes themselves.
  const auto keep_error = [&](std::int64_t i) {
    const std::lock_guard lock(mutex);
    if (i >= failed) return;
    failed = i;
    error = std::current_exception();
  };
  const auto next_piece = [&] {
    const std::lock_guard lock(mutex);
    return next < count && !error ? next++ : count;
  };
  const auto work = [&](int own_threads) {
    std::int64_t i = -1;
    try {
      ThreadPool pool(own_threads);
      while ((i = next_piece()) < count) body(i, pool);
    } catch (...) {
      keep_error(i);
    }
  };
  const auto most = static_cast<int>(std::clamp<std::int64_t>(lanes, 1, std::max<std::int64_t>(count, 1)));
  const auto share = [&](int lane) { return std::max(1, threads / most + (lane < threads % most ? 1 : 0)); };
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(most));
  try {
    for (int lane = 1; lane < most; ++lane) {
      others.push_back(start_thread([&work, own = share(lane)] { work(own); }, lane + 1, most));
    }
  } catch (...) {
    keep_error(-1);
  }
  work(share(0));
  for (std::thread& t : others) t.join();
  if (error) std::rethrow_exception(error);
}

LanePlan plan_lanes(std::span<const std::int64_t> sizes, int threads, int most_lanes) {
  const auto count = std::ssize(sizes);
  const auto limit = static_cast<int>(std::clamp<std::int64_t>(
      most_lanes, 1, std::max<std::int64_t>(1, std::min<std::int64_t>(threads, count))));
  LanePlan best;
  double least = -1.0;
  for (int lanes = 1; lanes <= limit; ++lanes) {
    double first = 0.0;  // of those that all threads do together
    for (std::int64_t together = 0; together < lanes && together <= count; ++together) {
      if (together > 0) first += time_on(sizes[static_cast<std::size_t>(together - 1)], threads);
      const double time =
          first + time_in_lanes(sizes.subspan(static_cast<std::size_t>(together)), threads, lanes);
      if (least < 0.0 || time < least) {
        least = time;
        best = {together, lanes};
      }
    }
  }
  return best;
}

}  // namespace lq
