#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

#include "few_threads.h"

namespace lq {
namespace {

TEST(Parallel, EveryIndexOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int count : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<std::size_t>(count));
      pool.run(count, [&](std::int64_t i) { ++hits[static_cast<std::size_t>(i)]; });
      for (const auto& h : hits) EXPECT_EQ(h, 1);
    }
  }
}

TEST(Parallel, APoolThatGetsTooFewThreadsIsAnError) {
  if (!test::kThreadsCanBeLimited) GTEST_SKIP() << "a sanitizer's address space";
  EXPECT_EXIT(test::exit_after_too_few_threads([] { ThreadPool pool(200); }), testing::ExitedWithCode(0), "");
}

TEST(Parallel, ChunksCoverTheRange) {
  ThreadPool pool(2);
  std::vector<int> touched(1003, 0);
  parallel_for(pool, 1003, 100, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_EQ(begin % 100, 0);
    for (std::int64_t i = begin; i < end; ++i) ++touched[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(touched, std::vector<int>(1003, 1));
}

TEST(Parallel, SumHasTheSameBitsOnAnyNumberOfThreads) {
  const auto sum = [](int threads) {
    ThreadPool pool(threads);
    return parallel_sum(pool, 100003, 1000, [](std::int64_t begin, std::int64_t end) {
      double s = 0.0;
      for (std::int64_t i = begin; i < end; ++i) s += std::sin(static_cast<double>(i)) * 1e-3;
      return s;
    });
  };
  const double one = sum(1);
  EXPECT_NE(one, 0.0);
  EXPECT_EQ(one, sum(2));
  EXPECT_EQ(one, sum(7));
}

TEST(Parallel, RethrowsTheFirstException) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.run(100,
                        [](std::int64_t i) {
                          if (i == 17) throw std::runtime_error("seventeen");
                        }),
               std::runtime_error);
  int after = 0;
  pool.run(1, [&](std::int64_t) { ++after; });
  EXPECT_EQ(after, 1);
}

TEST(Parallel, NestedCallsRunInTheirThread) {
  ThreadPool pool(2);
  std::atomic<int> total{0};
  pool.run(4, [&](std::int64_t) {
    const auto me = std::this_thread::get_id();
    pool.run(3, [&](std::int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), me);
      ++total;
    });
  });
  EXPECT_EQ(total, 12);
}

TEST(Parallel, InsideABodyOneThreadIsAvailable) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.available(), 3);
  pool.run(5, [&](std::int64_t) { EXPECT_EQ(pool.available(), 1); });
  EXPECT_EQ(pool.available(), 3);
}

}  // namespace
}  // namespace lq
