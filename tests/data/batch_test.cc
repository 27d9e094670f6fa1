#include "data/batch.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace lq {
namespace {

std::vector<EncodedExample> random_examples(std::size_t count, std::uint64_t longest) {
  const Rng rng(11);
  std::vector<EncodedExample> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t size = 2 + rng.below(i, longest - 1);
    for (std::uint64_t t = 0; t < size; ++t) {
      out[i].ids.push_back(static_cast<std::int32_t>(i * 1000 + t));
      out[i].in_loss.push_back(static_cast<std::uint8_t>(t % 3 != 1));
    }
  }
  return out;
}

std::vector<std::int64_t> flat(const std::vector<std::vector<std::int64_t>>& plan) {
  std::vector<std::int64_t> out;
  for (const auto& batch : plan) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

TEST(Batch, SequencesStayApart) {
  const std::vector<EncodedExample> examples = {
      {{5, 6, 7}, {0, 1, 1}}, {{8, 9}, {1, 0}}, {{4, 3, 2, 1}, {0, 0, 0, 1}}};
  const std::vector<std::int64_t> picked = {2, 0, 1};
  const Batch b = make_batch(examples, picked);
  EXPECT_EQ(b.ids, (std::vector<std::int32_t>{4, 3, 2, 1, 5, 6, 7, 8, 9}));
  EXPECT_EQ(b.starts, (std::vector<std::int64_t>{0, 4, 7, 9}));
  const std::int32_t no = kNoTarget;
  EXPECT_EQ(b.targets, (std::vector<std::int32_t>{no, no, 1, no, 6, 7, no, no, no}));
  EXPECT_EQ(b.trained_tokens, 3);
}

TEST(PlanEpoch, EveryExampleOnceInEveryWay) {
  const auto examples = random_examples(997, 60);
  for (const Batching batching : {Batching::kPacked, Batching::kGrouped, Batching::kPlain}) {
    const BatchOptions options{.batching = batching, .rows = 4, .row_length = 64, .seed = 3};
    auto seen = flat(plan_epoch(examples, {}, options, 0));
    EXPECT_NE(seen, flat(plan_epoch(examples, {}, options, 1))) << "epochs differ in order";
    EXPECT_EQ(seen, flat(plan_epoch(examples, {}, options, 0))) << "the same arguments give the same order";
    std::sort(seen.begin(), seen.end());
    std::vector<std::int64_t> all(examples.size());
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(seen, all);
  }
  const BatchOptions in_order{.batching = Batching::kPlain, .rows = 10, .shuffle = false};
  const auto plan = plan_epoch(examples, {}, in_order, 0);
  EXPECT_EQ(plan.size(), 100u);
  EXPECT_EQ(plan.back().size(), 7u);
  EXPECT_EQ(plan[1].front(), 10);
}

TEST(PlanEpoch, PackingFillsRows) {
  const auto examples = random_examples(2000, 100);
  const BatchOptions options{.rows = 1, .row_length = 128};
  const auto plan = plan_epoch(examples, {}, options, 0);
  std::int64_t tokens = 0;
  for (const auto& row : plan) {
    std::int64_t used = 0;
    for (const std::int64_t i : row) used += std::ssize(examples[static_cast<std::size_t>(i)].ids);
    EXPECT_LE(used, options.row_length);
    tokens += used;
  }
  // One example a row would fill 51/128 = 40%; first fit fills nearly all.
  EXPECT_GT(static_cast<double>(tokens), 0.95 * static_cast<double>(std::ssize(plan) * options.row_length));
  EXPECT_THROW(plan_epoch(examples, {}, {.rows = 1, .row_length = 50}, 0), Error);
}

TEST(PlanEpoch, GroupsLikeLengths) {
  const auto examples = random_examples(1000, 200);
  const auto spread = [&](Batching batching) {
    std::size_t sum = 0;
    for (const auto& batch : plan_epoch(examples, {}, {.batching = batching, .rows = 8, .seed = 1}, 0)) {
      std::size_t low = 1000, high = 0;
      for (const std::int64_t i : batch) {
        low = std::min(low, examples[static_cast<std::size_t>(i)].ids.size());
        high = std::max(high, examples[static_cast<std::size_t>(i)].ids.size());
      }
      sum += high - low;
    }
    return sum;
  };
  EXPECT_LT(spread(Batching::kGrouped) * 10, spread(Batching::kPlain));
}

TEST(PlanEpoch, WeightsRepeatAndDrawAnewEachEpoch) {
  const auto examples = random_examples(3000, 5);
  std::vector<double> weights(3000, 1.0);
  for (std::size_t i = 0; i < 1000; ++i) weights[i] = 2.5;
  for (std::size_t i = 1000; i < 2000; ++i) weights[i] = 0.25;
  std::map<std::int64_t, int> first, second;
  for (const auto i : flat(plan_epoch(examples, weights, {.batching = Batching::kPlain}, 0))) ++first[i];
  for (const auto i : flat(plan_epoch(examples, weights, {.batching = Batching::kPlain}, 1))) ++second[i];
  int doubled = 0, quarter = 0, differ = 0;
  for (std::int64_t i = 0; i < 3000; ++i) {
    if (i < 1000) {
      EXPECT_TRUE(first[i] == 2 || first[i] == 3);
      doubled += first[i];
    } else if (i < 2000) {
      EXPECT_LE(first[i], 1);
      quarter += first[i];
      differ += first[i] != second[i] ? 1 : 0;
    } else {
      EXPECT_EQ(first[i], 1);
    }
  }
  // 1000 draws of probability p: within five standard deviations (sqrt(p (1 - p) 1000) < 16) of the mean.
  EXPECT_NEAR(doubled, 2500, 80);
  EXPECT_NEAR(quarter, 250, 80);
  EXPECT_GT(differ, 200);
}

}  // namespace
}  // namespace lq
