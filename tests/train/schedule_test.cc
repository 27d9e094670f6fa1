// The values of transformers' get_scheduler, computed by hand.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace lq {
namespace {

TEST(Schedule, RisesThenFallsAsACosine) {
  const Schedule s{ScheduleKind::kCosine, 10, 110};
  EXPECT_EQ(s.factor(0), 0.0);
  EXPECT_DOUBLE_EQ(s.factor(5), 0.5);
  EXPECT_DOUBLE_EQ(s.factor(10), 1.0);
  EXPECT_DOUBLE_EQ(s.factor(35), 0.5 * (1.0 + std::sqrt(0.5)));
  EXPECT_NEAR(s.factor(60), 0.5, 1e-15);
  EXPECT_NEAR(s.factor(110), 0.0, 1e-15);
  EXPECT_NEAR(s.factor(500), 0.0, 1e-15);
}

TEST(Schedule, LinearAndConstant) {
  const Schedule linear{ScheduleKind::kLinear, 4, 24};
  EXPECT_DOUBLE_EQ(linear.factor(1), 0.25);
  EXPECT_DOUBLE_EQ(linear.factor(9), 0.75);
  EXPECT_DOUBLE_EQ(linear.factor(24), 0.0);
  const Schedule constant{ScheduleKind::kConstant, 2, 5};
  EXPECT_DOUBLE_EQ(constant.factor(1), 0.5);
  EXPECT_DOUBLE_EQ(constant.factor(400), 1.0);
}

TEST(Schedule, WithoutWarmupStartsAtTheTop) {
  EXPECT_EQ((Schedule{ScheduleKind::kCosine, 0, 10}.factor(0)), 1.0);
  // All steps may be warm-up.
  EXPECT_DOUBLE_EQ((Schedule{ScheduleKind::kCosine, 10, 10}.factor(9)), 0.9);
}

TEST(Schedule, WarmupIsAShareOrSteps) {
  EXPECT_EQ(warmup_steps(0.0, 100), 0);
  EXPECT_EQ(warmup_steps(0.03, 100), 3);
  EXPECT_EQ(warmup_steps(0.03, 101), 4);
  EXPECT_EQ(warmup_steps(7, 100), 7);
  EXPECT_EQ(warmup_steps(1e300, 100), std::int64_t{1} << 62);
  EXPECT_EQ((Schedule{ScheduleKind::kCosine, warmup_steps(1e19, 100), 100}.factor(0)), 0.0);
  EXPECT_THROW(warmup_steps(-0.1, 100), Error);
  EXPECT_THROW(warmup_steps(2.5, 100), Error);
  EXPECT_THROW(warmup_steps(std::nan(""), 100), Error);
}

TEST(Schedule, NamesGoBothWays) {
  for (const char* name : {"constant", "linear", "cosine"})
    EXPECT_EQ(schedule_name(parse_schedule(name)), name);
  EXPECT_THROW(parse_schedule("polynomial"), Error);
}

}  // namespace
}  // namespace lq
