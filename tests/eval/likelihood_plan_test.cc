#include "eval/likelihood_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace lq {
namespace {

// `shared` tokens that all have, then the question's own, then an answer's; the answer's are scored.
LikelihoodRequest request(std::int32_t shared, std::int32_t question, std::int32_t length,
                          std::int32_t answer, std::int32_t scored) {
  LikelihoodRequest r;
  for (std::int32_t t = 0; t < shared; ++t) r.ids.push_back(t);
  for (std::int32_t t = 0; t < length; ++t) r.ids.push_back(1000 * (question + 1) + t);
  for (std::int32_t t = 0; t < scored; ++t) r.ids.push_back(500 + 10 * answer + t);
  r.scored = scored;
  return r;
}

std::vector<LikelihoodRequest> questions(std::int32_t count, std::int32_t shared, std::int32_t length,
                                         std::int32_t scored) {
  std::vector<LikelihoodRequest> all;
  for (std::int32_t q = count; q-- > 0;) {
    for (std::int32_t a = 0; a < 4; ++a) all.push_back(request(shared, q, length, a, scored));
  }
  return all;
}

// Every request once, and no shared part with a token whose prediction is scored or that is not shared.
void expect_sound(const std::vector<LikelihoodRequest>& requests, const LikelihoodLimits& limits,
                  const std::vector<LikelihoodBatch>& batches) {
  std::vector<std::size_t> seen;
  for (const LikelihoodBatch& batch : batches) {
    const auto base = fed_tokens(requests[batch.requests()[0]]).first(static_cast<std::size_t>(batch.base));
    std::int64_t rows = 0;
    std::size_t sequences = 0;
    for (const SharedStem& stem : batch.stems) {
      const auto begin =
          fed_tokens(requests[stem.sequences[0].requests[0]]).first(static_cast<std::size_t>(stem.length));
      ASSERT_GE(stem.length, batch.base);
      EXPECT_TRUE(std::ranges::equal(begin.first(base.size()), base));
      rows += stem.length - batch.base;
      for (const FedSequence& s : stem.sequences) {
        ++sequences;
        const LikelihoodRequest& first = requests[s.requests[0]];
        rows += std::ssize(first.ids) - 1 - stem.length;
        for (const std::size_t i : s.requests) {
          seen.push_back(i);
          EXPECT_TRUE(std::ranges::equal(fed_tokens(requests[i]), fed_tokens(first)));
          EXPECT_TRUE(std::ranges::equal(fed_tokens(requests[i]).first(begin.size()), begin));
          EXPECT_LE(stem.length, std::ssize(requests[i].ids) - 1 - requests[i].scored);
          EXPECT_EQ(requests[i].scored, first.scored);
          EXPECT_TRUE(requests[i].scored == 1 || requests[i].ids == first.ids);
        }
      }
    }
    EXPECT_TRUE(sequences == 1 || rows <= limits.rows) << rows;
  }
  std::sort(seen.begin(), seen.end());
  std::vector<std::size_t> all(requests.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  EXPECT_EQ(seen, all);
}

TEST(LikelihoodPlan, LettersPassOnceBehindTheExamplesOfTheirSubject) {
  const auto requests = questions(40, 300, 50, 1);
  const LikelihoodLimits limits{400, 8192};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  EXPECT_EQ(computed_tokens(requests, batches), 300 + 40 * 50);
  EXPECT_EQ(batches.size(), 5U);  // eight questions of 50 tokens each
  EXPECT_EQ(batches[2].base, 300);
}

TEST(LikelihoodPlan, AnswersGoOnBehindTheirQuestion) {
  const auto requests = questions(10, 2, 40, 6);
  const LikelihoodLimits limits{200, 8192};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  // Of a question all tokens but the last are shared: it predicts the answer's first token.
  EXPECT_EQ(computed_tokens(requests, batches), 10 * (41 + 4 * 6));
  EXPECT_EQ(batches[0].base, 0);
  EXPECT_EQ(batches[0].stems[0].sequences.size(), 4U);
}

TEST(LikelihoodPlan, FewWithALongBeginningAreOneStem) {
  const auto requests = questions(3, 100, 20, 1);
  const auto batches = plan_likelihoods(requests, {1024, 8192});
  expect_sound(requests, {1024, 8192}, batches);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].base, 0);
  EXPECT_EQ(computed_tokens(requests, batches), 100 + 3 * 20);
}

TEST(LikelihoodPlan, ABaseAndStemsTogether) {
  const auto requests = questions(20, 100, 30, 5);
  const LikelihoodLimits limits{300, 8192};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  EXPECT_EQ(computed_tokens(requests, batches), 100 + 20 * (29 + 4 * 5));
}

TEST(LikelihoodPlan, CachesAreBounded) {
  const auto requests = questions(20, 300, 30, 1);
  const LikelihoodLimits limits{100, 700};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  for (const LikelihoodBatch& batch : batches) EXPECT_LE(batch.stems.size(), 2U);
  const LikelihoodLimits none{1, 1};
  expect_sound(requests, none, plan_likelihoods(requests, none));
}

TEST(LikelihoodPlan, SequencesThatShareNothingAreAlone) {
  std::vector<LikelihoodRequest> requests;
  for (std::int32_t q = 0; q < 9; ++q) requests.push_back(request(0, q, 10 + q, 0, 2 + q));
  requests.push_back(request(0, 0, 1, 0, 1));
  requests.push_back(requests[3]);
  const LikelihoodLimits limits{64, 8192};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  // The one that comes twice passes once.
  std::size_t sequences = 0;
  for (const LikelihoodBatch& batch : batches) {
    for (const SharedStem& stem : batch.stems) sequences += stem.sequences.size();
  }
  EXPECT_EQ(sequences, requests.size() - 1);
}

TEST(LikelihoodPlan, NothingIsSharedWhereItMayNotBe) {
  const auto requests = questions(5, 100, 20, 3);
  const LikelihoodLimits limits{1024, 8192, false};
  const auto batches = plan_likelihoods(requests, limits);
  expect_sound(requests, limits, batches);
  EXPECT_EQ(batches.size(), 20U);
  EXPECT_EQ(computed_tokens(requests, batches), 20 * 122);
}

}  // namespace
}  // namespace lq
