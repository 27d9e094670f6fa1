#include "jobs/options/sweep_options.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(SweepOptions, AllConfigurationsUnlessSomeAreNamed) {
  SweepJobOptions o = sweep_defaults();
  settle(o, {});
  EXPECT_EQ(o.plan.budget.configs, FormatSet({"nf"}).choices(ChoiceSet::kAll));
  PlanChoices open;
  open.configs = {"2,8,fp32,64,256", "3,8,fp32,64,256"};
  settle(o, open);
  EXPECT_EQ(o.plan.budget.configs.size(), 2U);
  open.configs = {"int-row,4"};
  EXPECT_THROW(settle(o, open), Error) << "of a format that is not asked for";
  open.configs = {};
  open.method.formats = {"q4_0", "q8_0"};
  settle(o, open);
  ASSERT_EQ(o.plan.budget.configs.size(), 2U);
  EXPECT_EQ(o.plan.budget.configs[0].name(), "ggml q4_0");
}

TEST(SweepOptions, JobsOfOlderVersionsAreKnown) {
  SweepJobOptions o = sweep_defaults();
  settle(o, {});
  const nlohmann::json now = job_identity(o, "hash", 0);
  nlohmann::json old = now;
  old["codebook"] = 0;
  old["scales"] = 1;
  EXPECT_EQ(job_today(o, old), now);
  EXPECT_TRUE(now.contains("feedback")) << "what it takes off is part of the errors";
}

}  // namespace
}  // namespace lq
