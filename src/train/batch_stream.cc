#include "train/batch_stream.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace lq {

BatchStream::BatchStream(std::span<const EncodedExample> examples, std::span<const double> weights,
                         const BatchOptions& options, std::int64_t accumulate)
    : examples_(examples), weights_(weights), options_(options), accumulate_(accumulate) {
  LQ_CHECK(accumulate > 0, kInvalidArgument, "[train] {} batches a step; there should be at least 1",
           accumulate);
  LQ_CHECK(!examples.empty(), kInvalidArgument, "[train] there are no examples to train on");
  batches_ = plan(0);
}

std::vector<std::vector<std::int64_t>> BatchStream::plan(std::int64_t epoch) const {
  return plan_epoch(examples_, weights_, options_, epoch);
}

std::int64_t BatchStream::steps_in(double epochs) const {
  std::int64_t steps = 0;
  for (std::int64_t epoch = 0; static_cast<double>(epoch) < epochs; ++epoch) {
    const auto batches = epoch == position_.epoch ? std::ssize(batches_) : std::ssize(plan(epoch));
    const std::int64_t whole = (batches + accumulate_ - 1) / accumulate_;
    const auto all = static_cast<double>(whole);
    // epochs * all first, as transformers' Trainer: 2.1 - 2 is more than 0.1, of 10 steps more than 1.
    const double left = epochs * all - static_cast<double>(epoch) * all;
    steps += static_cast<std::int64_t>(std::ceil(std::min(all, left)));
  }
  return steps;
}

StepBatches BatchStream::next() {
  // With weights below 1 an epoch may hold no example at all; many in a row cannot be.
  constexpr int kEmptyEpochs = 10000;
  for (int tries = 0; position_.batch >= std::ssize(batches_); ++tries) {
    LQ_CHECK(tries < kEmptyEpochs, kInvalidArgument,
             "[train] {} epochs without an example: the weights of the data are too small", kEmptyEpochs);
    position_ = {position_.epoch + 1, 0};
    batches_ = plan(position_.epoch);
  }
  StepBatches step;
  for (std::int64_t i = 0; i < accumulate_ && position_.batch < std::ssize(batches_); ++i) {
    Batch& batch = step.batches.emplace_back(
        make_batch(examples_, batches_[static_cast<std::size_t>(position_.batch++)]));
    step.tokens += std::ssize(batch.ids);
    step.trained_tokens += batch.trained_tokens;
  }
  return step;
}

double BatchStream::epochs_done() const {
  const auto batches = static_cast<double>(std::max<std::ptrdiff_t>(1, std::ssize(batches_)));
  return static_cast<double>(position_.epoch) + static_cast<double>(position_.batch) / batches;
}

void BatchStream::seek(const DataPosition& position) {
  LQ_CHECK(position.epoch >= 0, kCorruptFile, "[train] epoch {} of a checkpoint", position.epoch);
  if (position.epoch != position_.epoch) batches_ = plan(position.epoch);
  LQ_CHECK(position.batch >= 0 && position.batch <= std::ssize(batches_), kCorruptFile,
           "[train] batch {} of a checkpoint, but epoch {} has {}", position.batch, position.epoch,
           batches_.size());
  position_ = position;
}

}  // namespace lq
