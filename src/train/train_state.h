// Where a run is: with the parameters and the optimizer's moments, all that the rest of it depends on. Random
// numbers are functions of the seed and of these counters.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "train/batch_stream.h"

namespace lq {

struct TrainState {
  std::int64_t step = 0;  // finished
  DataPosition data;      // of the next step
  std::int64_t tokens = 0, trained_tokens = 0;
  double seconds = 0.0;  // of computing, in all runs; nothing depends on it
  // Of the last step that was not left out.
  double loss = 0.0, gradient_norm = 0.0;
  // Of the guard against values that are not finite (train_guard.h).
  double lr_scale = 1.0;
  std::int64_t bad_streak = 0, skipped = 0;  // steps left out: since the last good one; in all
  // Of validation: the step of the last, -1: none yet; the best; evaluations since.
  std::int64_t evaluated = -1;
  std::optional<double> validation_loss, first_validation_loss, best_loss;
  std::int64_t best_step = -1;
  std::int64_t since_best = 0;
};

nlohmann::json to_json(const TrainState& state);
// Throws Error(kCorruptFile) starting with `who`.
TrainState train_state_from_json(const nlohmann::json& json, const std::string& who);

}  // namespace lq
