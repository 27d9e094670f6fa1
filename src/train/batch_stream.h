// The batches of a training run in their order: epoch by epoch, `accumulate` batches a step. Where the run
// is, is two numbers, so that a resumed run goes on with the same batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch.h"

namespace lq {

struct DataPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;  // of the epoch: the next one
  bool operator==(const DataPosition&) const = default;
};

// The batches of one step, and what is in them.
struct StepBatches {
  std::vector<Batch> batches;
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;
};

class BatchStream {
 public:
  // examples and weights outlive it; weights as in plan_epoch. Throws Error(kInvalidArgument) for accumulate
  // < 1.
  BatchStream(std::span<const EncodedExample> examples, std::span<const double> weights,
              const BatchOptions& options, std::int64_t accumulate);

  // Of so many epochs (a fraction counts of its epoch's batches, rounded up); a step does not reach into the
  // next epoch.
  std::int64_t steps_in(double epochs) const;
  // The next step's; the position moves behind it.
  StepBatches next();
  // Position after the step that next() gave last, in epochs: 1.5 is the middle of the second.
  double epochs_done() const;
  const DataPosition& position() const { return position_; }
  // Throws Error(kCorruptFile) for a position that is none.
  void seek(const DataPosition& position);

 private:
  std::vector<std::vector<std::int64_t>> plan(std::int64_t epoch) const;

  std::span<const EncodedExample> examples_;
  std::span<const double> weights_;
  BatchOptions options_;
  std::int64_t accumulate_;
  DataPosition position_;
  std::vector<std::vector<std::int64_t>> batches_;  // of position_.epoch
};

}  // namespace lq
