// What happens when a step's loss or gradient is not finite: the update is left out; from the second in a row
// on the learning rate is halved as well; the fifth ends the run. A run that ends before has numbers to show,
// or fails.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "nn/parameter.h"
#include "tensor/context.h"
#include "train/train_state.h"

namespace lq {

constexpr std::int64_t kBadStepsAllowed = 4;  // in a row

// The run has no numbers to show: its learning rate, or its data, make none. Error(kInvalidArgument).
class NothingLearntError : public Error {
 public:
  explicit NothingLearntError(const std::string& what) : Error(ErrorCode::kInvalidArgument, what) {}
};

// Whether the update may happen. Else counts the step in `state` and says in `note` what was done about it.
// Throws Error(kInvalidArgument) with a report (what is not finite, where, after which steps and rates) where
// it has happened too often. lr: of this step, without state.lr_scale.
bool guard_step(Context& ctx, TrainState& state, double loss, double gradient_norm, double lr,
                const std::vector<Parameter*>& parameters, std::string& note);

// At the end of a run. Throws Error(kInvalidArgument) where values that learnt are not finite, naming some of
// them, and where every step was left out.
void check_learnt(Context& ctx, const TrainState& state, const std::vector<Parameter*>& parameters);

// A line about the run's end where its last steps were left out, so that `state.loss` is an earlier one's;
// else empty.
std::string skipped_at_end(const TrainState& state);

}  // namespace lq
