#include "eval/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"

namespace lq {
namespace {

const std::vector<float> kLogits = {1.0F, 3.0F, 2.0F, -1.0F, 3.0F};

std::set<std::int32_t> drawn(const SamplerOptions& options, int times = 2000) {
  Sampler sampler(options);
  std::set<std::int32_t> ids;
  for (int i = 0; i < times; ++i) ids.insert(sampler.pick(kLogits, {}));
  return ids;
}

TEST(Sampler, GreedyTakesTheLikeliestAndTheLowerIdOfTwo) { EXPECT_EQ(Sampler({}).pick(kLogits, {}), 1); }

TEST(Sampler, FrequenciesFollowTheSoftmaxOfLogitsOverTemperature) {
  const double temperature = 1.7;
  Sampler sampler({.temperature = temperature, .seed = 3});
  constexpr int kDraws = 40000;
  std::map<std::int32_t, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.pick(kLogits, {})];
  double total = 0.0;
  for (const float l : kLogits) total += std::exp(l / temperature);
  for (std::size_t id = 0; id < kLogits.size(); ++id) {
    const double p = std::exp(kLogits[id] / temperature) / total;
    // Five standard deviations of a binomial.
    EXPECT_NEAR(counts[static_cast<std::int32_t>(id)] / double{kDraws}, p,
                5.0 * std::sqrt(p * (1 - p) / kDraws));
  }
}

TEST(Sampler, WarpersKeepWhatTheyShould) {
  using Ids = std::set<std::int32_t>;
  EXPECT_EQ(drawn({.temperature = 1.0}), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(drawn({.temperature = 1.0, .top_k = 2}), (Ids{1, 4}));
  EXPECT_EQ(drawn({.temperature = 1.0, .top_k = 3}), (Ids{1, 2, 4}));
  // Probabilities: 0.3966 (ids 1 and 4), 0.1459 (2), 0.0537 (0), 0.0073 (3).
  EXPECT_EQ(drawn({.temperature = 1.0, .top_p = 0.39}), (Ids{1}));
  EXPECT_EQ(drawn({.temperature = 1.0, .top_p = 0.79}), (Ids{1, 4}));
  EXPECT_EQ(drawn({.temperature = 1.0, .top_p = 0.9}), (Ids{1, 2, 4}));
  EXPECT_EQ(drawn({.temperature = 1.0, .min_p = 0.3}), (Ids{1, 2, 4}));
  EXPECT_EQ(drawn({.temperature = 1.0, .min_p = 1.0}), (Ids{1, 4}));
}

TEST(Sampler, RepetitionPenaltyPushesSeenTokensDown) {
  const std::vector<std::int32_t> history = {1, 4, 4};
  // 3 / 2 = 1.5 falls below 2, once for each token.
  EXPECT_EQ(Sampler({.repetition_penalty = 2.0}).pick(kLogits, history), 2);
  EXPECT_EQ(Sampler({.repetition_penalty = 2.0, .repeat_last = 2}).pick(kLogits, history), 1);
  const std::vector<float> negative = {-1.0F, -1.5F};
  const std::vector<std::int32_t> first = {0};
  EXPECT_EQ(Sampler({.repetition_penalty = 2.0}).pick(negative, first), 1);
}

TEST(Sampler, InfiniteLogitsAreCertain) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {0.0F, -inf, inf};
  EXPECT_EQ(Sampler({.temperature = 1.0}).pick(logits, {}), 2);
  const std::vector<float> nan = {0.0F, std::nanf("")};
  EXPECT_THROW(Sampler({}).pick(nan, {}), Error);
}

TEST(Sampler, RefusesOptionsOutOfRange) {
  EXPECT_THROW(Sampler({.temperature = -1.0}), Error);
  EXPECT_THROW(Sampler({.top_k = -1}), Error);
  EXPECT_THROW(Sampler({.top_p = 0.0}), Error);
  EXPECT_THROW(Sampler({.top_p = 1.1}), Error);
  EXPECT_THROW(Sampler({.min_p = -0.1}), Error);
  for (const double penalty : {0.0, 1e-300, 1e300}) {
    EXPECT_THROW(Sampler({.repetition_penalty = penalty}), Error) << penalty;
  }
  for (const double temperature : {1e-320, 1e300}) {
    EXPECT_THROW(Sampler({.temperature = temperature}), Error) << temperature;
  }
}

}  // namespace
}  // namespace lq
