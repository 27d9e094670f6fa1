#include "train/batch_stream.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

std::vector<EncodedExample> some_examples(int count) {
  std::vector<EncodedExample> all;
  for (int i = 0; i < count; ++i) {
    all.push_back({std::vector<std::int32_t>(static_cast<std::size_t>(3 + i % 5), i),
                   std::vector<std::uint8_t>(static_cast<std::size_t>(3 + i % 5), 1)});
  }
  return all;
}

BatchOptions four_rows() {
  BatchOptions options;
  options.batching = Batching::kPlain;
  options.rows = 4;
  return options;
}

TEST(BatchStream, StepsEndWithTheEpoch) {
  const auto examples = some_examples(22);  // 6 batches of 4, the last of 2
  BatchStream stream(examples, {}, four_rows(), 4);
  EXPECT_EQ(stream.steps_in(1), 2);
  EXPECT_EQ(stream.steps_in(2.5), 5);
  EXPECT_EQ(stream.steps_in(0.1), 1);
  const StepBatches first = stream.next();
  EXPECT_EQ(first.batches.size(), 4u);
  EXPECT_EQ(stream.next().batches.size(), 2u);
  EXPECT_EQ(stream.epochs_done(), 1.0);
  EXPECT_EQ(stream.next().batches.size(), 4u);
  EXPECT_EQ(stream.position(), (DataPosition{1, 4}));
  std::int64_t tokens = 0;
  for (const Batch& b : first.batches) tokens += std::ssize(b.ids);
  EXPECT_EQ(first.tokens, tokens);
  EXPECT_EQ(first.trained_tokens, tokens - 16);  // the first of each sequence has nothing before it
}

TEST(BatchStream, PartsOfEpochsAreNoStepMoreForRounding) {
  const auto examples = some_examples(40);
  const BatchStream stream(examples, {}, four_rows(), 1);  // 10 steps
  for (const int tenths : {1, 3, 7, 11, 13, 19, 21, 26, 33})
    EXPECT_EQ(stream.steps_in(tenths / 10.0), tenths);
  EXPECT_EQ(stream.steps_in(2.11), 22);
}

TEST(BatchStream, GoesOnFromAnyPosition) {
  const auto examples = some_examples(22);
  BatchStream whole(examples, {}, four_rows(), 2);
  for (int step = 0; step < 10; ++step) {
    BatchStream other(examples, {}, four_rows(), 2);
    other.seek(whole.position());
    const StepBatches want = whole.next();
    const StepBatches have = other.next();
    ASSERT_EQ(have.batches.size(), want.batches.size());
    for (std::size_t i = 0; i < want.batches.size(); ++i) {
      EXPECT_EQ(have.batches[i].ids, want.batches[i].ids);
      EXPECT_EQ(have.batches[i].targets, want.batches[i].targets);
    }
    EXPECT_EQ(other.position(), whole.position());
  }
  EXPECT_THROW(whole.seek({0, 7}), Error);
  EXPECT_THROW(whole.seek({-1, 0}), Error);
}

TEST(BatchStream, EpochsWithoutExamplesArePassedOver) {
  const auto examples = some_examples(1);
  const std::vector<double> weights = {0.25};
  BatchStream stream(examples, weights, four_rows(), 1);
  std::int64_t before = -1;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(stream.next().batches.size(), 1u);
    EXPECT_GT(stream.position().epoch, before);
    before = stream.position().epoch;
  }
  EXPECT_GT(before, 5);
}

TEST(BatchStream, RefusesWhatCannotBe) {
  const auto examples = some_examples(3);
  EXPECT_THROW(BatchStream(examples, {}, four_rows(), 0), Error);
  EXPECT_THROW(BatchStream({}, {}, four_rows(), 1), Error);
}

}  // namespace
}  // namespace lq
