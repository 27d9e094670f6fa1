#include "nn/sequence_plan.h"

#include <gtest/gtest.h>

#include "ops/cross_entropy.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

const std::vector<std::int32_t> kPlanIds = {5, 6, 7, 8, 9};

// What check() says of these starts; empty where it says nothing.
std::string batch_error(const std::vector<std::int64_t>& starts,
                        const std::vector<std::int32_t>& types = {}) {
  try {
    TokenBatch{kPlanIds, starts, types}.check();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    return e.what();
  }
  return "";
}

TEST(SequencePlan, StartsRiseFromZeroToTheEnd) {
  EXPECT_EQ(batch_error({0, 5}), "");
  EXPECT_EQ(batch_error({0, 1, 4, 5}), "");
  for (const std::vector<std::int64_t>& bad :
       {std::vector<std::int64_t>{}, {0}, {0, 4}, {0, 6}, {1, 5}, {0, 2, 4}}) {
    EXPECT_EQ(batch_error(bad), "[batch] sequences must start at 0 and end at 5 tokens") << bad.size();
  }
  EXPECT_EQ(batch_error({0, 2, 2, 5}), "[batch] sequence 1 is empty");
  EXPECT_EQ(batch_error({0, 3, 2, 5}), "[batch] sequence 1 is empty") << "they go back";
}

TEST(SequencePlan, TypesAreOneForEachTokenOrNone) {
  EXPECT_EQ(batch_error({0, 5}, {0, 0, 1, 1, 1}), "");
  EXPECT_EQ(batch_error({0, 5}, {0, 1}), "[batch] 2 token types for 5 tokens");
}

TEST(SequencePlan, PositionsBeginAnewInEachSequence) {
  const std::vector<std::int64_t> starts = {0, 2, 5};
  EXPECT_EQ(positions_of({kPlanIds, starts}), (std::vector<std::int32_t>{0, 1, 0, 1, 2}));
  const std::vector<std::int64_t> whole = {0, 5};
  EXPECT_EQ(positions_of({kPlanIds, whole}), (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
}

TEST(SequencePlan, TargetsAreTheNextTokensOfTheSameSequence) {
  const std::vector<std::int64_t> starts = {0, 2, 3, 5};
  EXPECT_EQ(next_token_targets({kPlanIds, starts}),
            (std::vector<std::int32_t>{6, kIgnoreTarget, kIgnoreTarget, 9, kIgnoreTarget}));
}

TEST(SequencePlan, TablesOfAnglesByTheirUse) {
  const SequencePlan plan;
  EXPECT_EQ(plan.rope_of(RopeUse::kNone), nullptr);
  EXPECT_EQ(plan.rope_of(RopeUse::kGlobal), &plan.rope);
  EXPECT_EQ(plan.rope_of(RopeUse::kLocal), &plan.local_rope);
}

}  // namespace
}  // namespace lq
