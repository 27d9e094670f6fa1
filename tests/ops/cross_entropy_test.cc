#include "ops/cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace lq {
namespace {

// A broken model must not look like a good one, wherever in the row the bad logit is.
TEST(CrossEntropy, OneBadLogitMakesItsLossNaNAndNoOther) {
  ThreadPool pool(1);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const std::int64_t vocab = 37;
  const std::vector<std::int32_t> targets = {3, 3};
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    for (std::int64_t at = 0; at < vocab; ++at) {
      std::vector<float> logits(static_cast<std::size_t>(2 * vocab), 0.5F);
      logits[static_cast<std::size_t>(at)] = bad;
      std::vector<float> losses(2);
      cross_entropy_forward(context, {logits.data(), 2, vocab}, targets, losses);
      EXPECT_FALSE(std::isfinite(losses[0])) << at;
      EXPECT_NEAR(losses[1], std::log(static_cast<double>(vocab)), 1e-5);
    }
  }
}

}  // namespace
}  // namespace lq
