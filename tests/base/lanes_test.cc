#include "base/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "few_threads.h"

namespace lq {
namespace {

TEST(Lanes, EachPieceOnceAndNoMoreThanTheLanesAtATime) {
  for (const int lanes : {0, 1, 2, 5}) {
    std::vector<std::atomic<int>> calls(23);
    std::atomic<int> now{0}, most{0};
    run_in_lanes(lanes, 6, 23, [&](std::int64_t i, ThreadPool& pool) {
      EXPECT_EQ(pool.available(), pool.threads());
      EXPECT_GE(pool.threads(), 6 / std::max(1, lanes));
      EXPECT_LE(pool.threads(), 6 / std::max(1, lanes) + 1);
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
  run_in_lanes(3, 3, 0, [](std::int64_t, ThreadPool&) { ADD_FAILURE(); });
}

TEST(Lanes, SumsAreThoseOfAnyPool) {
  const auto sum_of = [](ThreadPool& pool, std::int64_t i) {
    return parallel_sum(pool, 10'000, 7, [&](std::int64_t begin, std::int64_t end) {
      double sum = 0.0;
      for (std::int64_t k = begin; k < end; ++k) sum += 1.0 / static_cast<double>(k + i + 1);
      return sum;
    });
  };
  std::vector<double> sums(12, 0.0);
  run_in_lanes(3, 7, 12, [&](std::int64_t i, ThreadPool& pool) {
    sums[static_cast<std::size_t>(i)] = sum_of(pool, i);
  });
  ThreadPool alone(1);
  for (std::int64_t i = 0; i < 12; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)], sum_of(alone, i));
}

TEST(Lanes, TheFirstFailureIsTheOneThatIsTold) {
  std::atomic<int> begun{0};
  try {
    run_in_lanes(3, 3, 1000, [&](std::int64_t i, ThreadPool&) {
      ++begun;
      if (i >= 5) throw std::runtime_error("piece " + std::to_string(i));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_EQ(std::string(e.what()), "piece 5");
  }
  EXPECT_LE(begun, 9);
}

TEST(Lanes, TooFewThreadsForThemAreAnError) {
  if (!test::kThreadsCanBeLimited) GTEST_SKIP() << "a sanitizer's address space";
  const auto run = [](int lanes, int threads) {
    run_in_lanes(lanes, threads, 200, [](std::int64_t, ThreadPool&) {});
  };
  // Of the lanes themselves, and of the pool of one of them.
  EXPECT_EXIT(test::exit_after_too_few_threads([&] { run(200, 200); }), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(test::exit_after_too_few_threads([&] { run(2, 200); }), testing::ExitedWithCode(0), "");
}

TEST(Lanes, ThePlanKeepsEveryThreadAtWork) {
  const auto expect = [](std::vector<std::int64_t> sizes, int threads, int most, std::int64_t together,
                         int lanes) {
    const LanePlan plan = plan_lanes(sizes, threads, most);
    EXPECT_EQ(plan.together, together) << sizes.size() << " pieces, " << threads << " threads";
    EXPECT_EQ(plan.lanes, lanes) << sizes.size() << " pieces, " << threads << " threads";
  };
  // A block of a 7B model: one of the three large ones by both, then two lanes that end together.
  const std::vector<std::int64_t> block = {45, 45, 45, 17, 17, 17, 17};
  expect(block, 2, 2, 1, 2);
  expect(block, 2, 1, 0, 1);  // no memory for two
  expect(block, 1, 9, 0, 1);
  expect({}, 4, 4, 0, 1);
  expect({9}, 4, 4, 0, 1);
  expect({9, 9}, 2, 2, 0, 2);
  expect(std::vector<std::int64_t>(32, 5), 4, 4, 0, 4);
  EXPECT_GT(plan_lanes(block, 16, 16).lanes, 2);
}

}  // namespace
}  // namespace lq
