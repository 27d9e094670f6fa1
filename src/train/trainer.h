// The training loop: batches, losses, clipping, AdamW, validation, checkpoints, log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_names.h"
#include "data/batch.h"
#include "data/example_set.h"
#include "models/model.h"
#include "tensor/context.h"
#include "train/adamw.h"
#include "train/schedule.h"
#include "train/train_state.h"

namespace lq {

struct TrainOptions {
  double lr = 2e-4;
  ScheduleKind schedule = ScheduleKind::kCosine;
  double warmup = 0.03;  // see warmup_steps
  AdamWOptions adam = {};
  double weight_decay = 0.0;  // of matrices; norms and biases have none
  double lora_plus = 1.0;     // B learns with this times A's rate (Hayou et al. 2024)
  double dropout = 0.0;       // on what goes into the low-rank parts (nn/lora_dropout.h)
  double clip = 1.0;          // largest norm of the gradient; 0: none

  BatchOptions batch = {};
  std::int64_t accumulate = 1;  // batches a step
  std::int64_t max_steps = 0;   // 0: by epochs
  double epochs = 1.0;

  std::int64_t eval_every =
      0;  // steps; 0: only before the first and after the last, where there are examples
  std::int64_t early_stop = 0;  // evaluations without a better one; 0: never
  // What learns ends as it was at the best evaluation; unset: where there is early stopping.
  std::optional<bool> end_with_best = {};
  std::int64_t save_every = 0;  // steps; 0: only when asked to stop
  std::int64_t keep = 2;        // checkpoints
  Keep activations = Keep::kActivations;
  MatmulPrecision precision = MatmulPrecision::kF32;  // of steps; validation is in f32
};

inline constexpr EnumName<MatmulPrecision> kMatmulPrecisionNames[] = {{MatmulPrecision::kI16, "int16"},
                                                                      {MatmulPrecision::kF32, "f32"},
                                                                      {MatmulPrecision::kBf16, "bf16"},
                                                                      {MatmulPrecision::kTf32, "tf32"}};
// "int16", "f32", "bf16" or "tf32". Throws Error(kInvalidArgument).
MatmulPrecision parse_matmul_precision(std::string_view name);

// Throws Error(kInvalidArgument) of the option that cannot be.
void check_train_options(const TrainOptions& options);

struct TrainResult {
  TrainState state;
  std::int64_t total_steps = 0;
  bool resumed = false;
  bool stopped_early = false;
  double tokens_per_second = 0.0;  // of computing, validation and checkpoints left out
};

// What `end_with_best` comes to.
bool ends_with_best(const TrainOptions& options);

// How many steps a run over these examples has.
std::int64_t total_steps(const ExampleSet& examples, const TrainOptions& options);

// How each trainable parameter of the model learns.
std::vector<TrainedParameter> parameter_groups(const std::vector<Parameter*>& parameters,
                                               const TrainOptions& options);

// Trains what is trainable in the model. Checkpoints and logs lie in `directory`, from which a run goes on:
// losses and weights are those of a run that was never stopped, bit for bit, on any number of threads. When
// ctx.stop asks for it a checkpoint is written and Error(kInterrupted) thrown. Throws Error(kInvalidArgument)
// for options that cannot be, for a loss that stays not finite and for learnt values that are not finite
// (train_guard.h), Error(kIo).
// reference: what it says is learnt in place of the text (Model::divergences_backward), and losses, those of
// the validation too, are divergences from it. REQUIRES: the model's vocabulary and device, no labels.
TrainResult train(Context& ctx, Model& model, const ExampleSet& examples, const TrainOptions& options,
                  const std::filesystem::path& directory, const Model* reference = nullptr);

}  // namespace lq
