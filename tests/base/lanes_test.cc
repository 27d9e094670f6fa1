#include "base/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/parallel.h"

namespace lq {
namespace {

TEST(Lanes, EachPieceOnceAndNoMoreThanTheLanesAtATime) {
  for (const int lanes : {0, 1, 2, 5}) {
    std::vector<std::atomic<int>> calls(23);
    std::atomic<int> now{0}, most{0};
    run_in_lanes(lanes, 23, [&](std::int64_t i) {
      const int running = ++now;
      int before = most.load();
      while (before < running && !most.compare_exchange_weak(before, running)) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++calls[static_cast<std::size_t>(i)];
      --now;
    });
    for (const auto& c : calls) EXPECT_EQ(c, 1);
    EXPECT_LE(most, std::max(1, lanes));
  }
  run_in_lanes(3, 0, [](std::int64_t) { ADD_FAILURE(); });
}

TEST(Lanes, PiecesShareAPoolAndGiveItsSums) {
  ThreadPool pool(3);
  std::vector<double> sums(12, 0.0);
  run_in_lanes(4, 12, [&](std::int64_t i) {
    EXPECT_EQ(pool.available(), 3);
    sums[static_cast<std::size_t>(i)] =
        parallel_sum(pool, 10'000, 7, [&](std::int64_t begin, std::int64_t end) {
          double sum = 0.0;
          for (std::int64_t k = begin; k < end; ++k) sum += 1.0 / static_cast<double>(k + i + 1);
          return sum;
        });
  });
  ThreadPool alone(1);
  for (std::int64_t i = 0; i < 12; ++i) {
    const double want = parallel_sum(alone, 10'000, 7, [&](std::int64_t begin, std::int64_t end) {
      double sum = 0.0;
      for (std::int64_t k = begin; k < end; ++k) sum += 1.0 / static_cast<double>(k + i + 1);
      return sum;
    });
    EXPECT_EQ(sums[static_cast<std::size_t>(i)], want);
  }
}

TEST(Lanes, TheFirstFailureIsTheOneThatIsTold) {
  std::atomic<int> begun{0};
  try {
    run_in_lanes(3, 1000, [&](std::int64_t i) {
      ++begun;
      if (i >= 5) throw std::runtime_error("piece " + std::to_string(i));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_EQ(std::string(e.what()), "piece 5");
  }
  EXPECT_LE(begun, 9);
}

}  // namespace
}  // namespace lq
