// Fine-tuning: step by step on batches of one's own, or the whole job on files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lqlora/checkpoint.h"
#include "lqlora/context.h"
#include "lqlora/model.h"

namespace lqlora {

// A sequence of tokens to learn.
struct TrainingSequence {
  std::vector<std::int32_t> ids;
  // Whether predicting ids[t] counts for the loss, t >= 1; empty: all do.
  std::vector<bool> counts = {};
};

struct TrainerOptions {
  // Of low-rank parts beside every linear layer of the blocks. 0: those that the model has, or 64.
  std::int64_t rank = 0;
  // Scaling is alpha / rank; 0: what the model's parts have, or the rank. From 1e-30 to 1e30.
  double alpha = 0;
  double learning_rate = 2e-4;  // constant; AdamW without weight decay
  double clip = 1.0;            // largest norm of the gradient; 0: none
};

struct StepResult {
  double loss = 0;           // mean nats a token that counts, before the update
  double gradient_norm = 0;  // before clipping
  std::int64_t tokens = 0;   // that count
};

// Trains the low-rank parts of a model, and what its adapter holds whole (PEFT's modules_to_save); the
// weights beside them stay as they are.
class Trainer {
 public:
  // Borrows both while it lives; they may be moved. Several may train one model in turns. Throws
  // Error(kInvalidArgument) for a rank that a matrix does not allow or that differs from the adapter's; the
  // model is then as it was.
  Trainer(Context& context, Model& model, const TrainerOptions& options = {});
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  // One update from the mean loss over the batch. Throws Error(kInvalidArgument) where no token counts, for
  // ids outside the vocabulary, sequences longer than the model's context_length(), and for a loss or
  // gradient that is not finite (the model stays as it was).
  StepResult step(std::span<const TrainingSequence> batch);
  std::int64_t steps() const;
  // Writes what learns as a PEFT adapter that names the model's hash. `directory` is made, and must be
  // empty or not exist. Throws Error(kInvalidArgument) where some of it is not finite.
  void save_adapter(const std::filesystem::path& directory) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct FinetuneReport {
  std::int64_t steps = 0;
  double final_loss = 0;  // of the last step that was not skipped
  std::optional<double> first_validation_loss, validation_loss;
  std::int64_t trained_parameters = 0;
  double tokens_per_second = 0;
  bool already_done = false;
  std::int64_t skipped_steps = 0;   // their loss or gradient was not finite
  std::int64_t skipped_at_end = 0;  // of these, after the step of final_loss
};

// As the flags of `lqlora finetune` of these names, with _ for -, but for learning_rate (--lr),
// validation_data (--val-data), validation_share (--val-share), train_on_prompts (--train-on all),
// eight_bit_optimizer (--optimizer adamw8bit) and targets (--target). What is empty or 0 is chosen as there.
struct FinetuneOptions {
  std::vector<std::filesystem::path> data = {};             // examples: .jsonl, .csv, .txt and others
  std::vector<std::filesystem::path> validation_data = {};  // for validation only
  double validation_share = 0;                              // of `data`, besides
  std::string chat_template = {};
  bool train_on_prompts = false;  // not only on the responses
  std::int64_t seq_len = 512;     // tokens of a row
  std::int64_t batch_size = 4;    // rows
  std::int64_t grad_accum = 1;    // batches of a step
  std::int64_t max_steps = 0;     // 0: `epochs`
  double epochs = 1;
  double learning_rate = 2e-4;
  std::string schedule = "cosine";
  double warmup = 0.03;  // share of the steps where below 1, else steps
  double weight_decay = 0;
  double clip = 1.0;
  bool eight_bit_optimizer = false;
  std::int64_t eval_every = 0;  // steps
  std::int64_t save_every = 0;  // steps

  std::filesystem::path adapter = {};  // to start from
  std::string init = "auto";           // that adapter, or "zero", or "stacked": new factors beside it
  std::int64_t rank = 0;
  double alpha = 0;
  std::vector<std::string> targets = {};  // modules that learn
  double dropout = 0;
  bool full = false;  // every parameter of a dense model learns, and `out` becomes a model
  bool overwrite = false;
};

// What `lqlora finetune MODEL --data FILE -o OUT` does; goes on where it was, bit for bit. Throws as
// quantize().
FinetuneReport finetune(Context& context, const Checkpoint& model, const std::filesystem::path& out,
                        const FinetuneOptions& options);

}  // namespace lqlora
