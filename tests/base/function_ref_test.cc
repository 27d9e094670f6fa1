#include "base/function_ref.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace lq {
namespace {

int twice(FunctionRef<int(int)> function) { return function(1) + function(2); }

TEST(FunctionRef, CallsALambdaAndSeesWhatItChanges) {
  int calls = 0;
  EXPECT_EQ(twice([&](int x) {
              ++calls;
              return 10 * x;
            }),
            30);
  EXPECT_EQ(calls, 2);
}

TEST(FunctionRef, CallsWhatHasAName) {
  const std::function<int(int)> function = [](int x) { return x + 1; };
  EXPECT_EQ(twice(function), 5);
  struct Counter {
    int total = 0;
    int operator()(int x) { return total += x; }
  };
  Counter counter;
  EXPECT_EQ(twice(counter), 4);  // 1, then 3: the object itself, not a copy
  EXPECT_EQ(counter.total, 3);
}

TEST(FunctionRef, PassesArgumentsOnWithoutCopies) {
  const auto take = [](std::unique_ptr<int> p) { return *p; };
  const FunctionRef<int(std::unique_ptr<int>)> function(take);
  EXPECT_EQ(function(std::make_unique<int>(7)), 7);
  int value = 1;
  const auto change = [](int& x) { x = 5; };
  const FunctionRef<void(int&)> changes(change);
  changes(value);
  EXPECT_EQ(value, 5);
}

TEST(FunctionRef, CopiesViewTheSameCallable) {
  std::int64_t sum = 0;
  const auto add = [&](std::int64_t x) { sum += x; };
  const FunctionRef<void(std::int64_t)> one(add);
  const FunctionRef<void(std::int64_t)> other = one;  // NOLINT(performance-unnecessary-copy-initialization)
  one(1);
  other(2);
  EXPECT_EQ(sum, 3);
}

}  // namespace
}  // namespace lq
