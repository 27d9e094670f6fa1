#include "train/trainer.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/option_error.h"
#include "base/process.h"
#include "dist/alone/alone.h"
#include "nn/lora_dropout.h"
#include "ops/device_memory.h"
#include "tensor/workspace.h"
#include "train/batch_stream.h"
#include "train/checkpoints.h"
#include "train/gradient_sum.h"
#include "train/gradients.h"
#include "train/train_guard.h"
#include "train/train_log.h"
#include "train/validation.h"

namespace lq {
namespace {

constexpr std::int64_t kValidationTokens = 2048;  // that pass through the model together

class Trainer {
 public:
  Trainer(Context& ctx, Model& model, const ExampleSet& examples, const TrainOptions& options,
          const std::filesystem::path& directory, const Model* reference)
      : ctx_(ctx),
        model_(model),
        reference_(reference),
        examples_(examples),
        options_(options),
        stream_(examples.train, examples.weights, options.batch, options.accumulate),
        ranks_(ctx.collective != nullptr ? *ctx.collective : alone_),
        parameters_(model.trainable()),
        magnitudes_(model.has_magnitudes()),
        arena_(ctx, parameters_),
        sum_(arena_, ranks_),
        optimizer_(parameter_groups(parameters_, options), options.adam),
        checkpoints_(directory, options.keep),
        ws_(ctx.device, empty_tensor) {
    LQ_CHECK(ctx.device.is_cpu() || ranks_.size() == 1, kUnsupported,
             "[train] several processes train on the cpu; on {} one does", device_text(ctx.device));
    optimizer_.to_device(ctx);
    result_.total_steps = total_steps(examples, options);
    schedule_ = {options.schedule, warmup_steps(options.warmup, result_.total_steps), result_.total_steps};
    tape_.keep = options.activations;
    dropout_ = {static_cast<float>(options.dropout), ctx.seed, 0};
    if (const auto found = checkpoints_.restore(ctx, parameters_, optimizer_)) {
      state_ = *found;
      stream_.seek(state_.data);
      if (magnitudes_) model_.update_magnitudes(ctx);
      result_.resumed = true;
      ctx.progress.note(
          fmt::format("finetune: going on after step {} of {}", state_.step, result_.total_steps));
    }
    if (result_.resumed) {
      saved_ = state_.step;
      saved_evaluated_ = state_.evaluated;
    }
    ranks_.barrier();  // all have read what the first one writes from now on
    if (first_rank()) log_ = std::make_unique<TrainLog>(directory, state_);
  }

  ~Trainer() { model_.set_lora_dropout(nullptr); }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  TrainResult run() {
    ctx_.progress.begin("finetune", result_.total_steps, "steps");
    ctx_.progress.update(state_.step, "");
    try {
      while (true) {
        if (validation_due()) validate();
        if (finished()) break;
        check_stop();
        step();
        if (options_.save_every > 0 && state_.step % options_.save_every == 0) save();
      }
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kInterrupted) throw;
      // Values and moments are those of the last whole step.
      save();
      throw;
    }
    ctx_.progress.end();
    save();
    ranks_.barrier();
    if (ends_with_best(options_) && !checkpoints_.restore_best(ctx_, parameters_))
      ctx_.progress.note("finetune: no validation gave a number: the weights are the last, not the best");
    check_learnt(ctx_, state_, parameters_);
    if (const std::string note = skipped_at_end(state_); !note.empty())
      ctx_.progress.note("finetune: " + note);
    if (magnitudes_) model_.update_magnitudes(ctx_);
    result_.state = state_;
    result_.tokens_per_second = static_cast<double>(state_.tokens) / std::max(state_.seconds, 1e-9);
    return result_;
  }

 private:
  // Only it writes.
  bool first_rank() const { return ranks_.rank() == 0; }

  // One that is asked to stop stops all, between two steps: nobody waits for a rank that is gone.
  void check_stop() {
    double asked = ctx_.stop.requested() ? 1.0 : 0.0;
    ranks_.sum({&asked, 1});
    const std::atomic<bool> any{asked > 0.0};
    StopToken(&any).check();
  }
  // Inside a step or a validation a process looks for itself only where it is alone.
  Context inner_context() const {
    Context inner = ctx_;
    if (ranks_.size() > 1) inner.stop = StopToken();
    return inner;
  }

  bool finished() {
    result_.stopped_early = options_.early_stop > 0 && state_.since_best >= options_.early_stop;
    return result_.stopped_early || state_.step >= result_.total_steps;
  }

  bool validation_due() const {
    if (examples_.validation.empty() || state_.evaluated == state_.step) return false;
    const bool end = state_.step == 0 || state_.step >= result_.total_steps;
    return end || (options_.eval_every > 0 && state_.step % options_.eval_every == 0);
  }

  void validate() {
    Context inner = inner_context();
    // On the processor always in f32.
    if (!ctx_.device.is_cpu()) inner.matmul_precision = options_.precision;
    const bool labelled = examples_.validation.front().label.has_value();
    const bool says = !labelled && reference_ == nullptr;  // a loss of the text
    const ValidationLoss v =
        validation_loss(inner, ws_, model_, examples_.validation, kValidationTokens, reference_);
    const bool better = std::isfinite(v.loss) && (!state_.best_loss || v.loss < *state_.best_loss);
    if (better) {
      if (first_rank()) checkpoints_.save_best(ctx_, state_.step, parameters_);
      state_.best_loss = v.loss;
      state_.best_step = state_.step;
      state_.since_best = 0;
    } else {
      ++state_.since_best;
    }
    state_.validation_loss = v.loss;
    if (state_.evaluated < 0) state_.first_validation_loss = v.loss;
    state_.evaluated = state_.step;
    if (log_) {
      nlohmann::ordered_json record = {{"step", state_.step}, {"validation_loss", v.loss}};
      if (says) record["perplexity"] = std::exp(v.loss);
      record[labelled ? "examples" : "tokens"] = v.tokens;
      log_->add(std::move(record));
    }
    ctx_.progress.note(fmt::format("step {}: validation loss {:.5f}{}{}", state_.step, v.loss,
                                   says ? fmt::format(", perplexity {:.4f}", std::exp(v.loss)) : "",
                                   better ? ", the best so far" : ""));
  }

  // The arena holds the gradient of the step's mean loss; returns the sum of its losses.
  double gradients(const StepBatches& batches) {
    const auto scale = static_cast<float>(1.0 / static_cast<double>(batches.trained_tokens));
    Context computing = inner_context();
    computing.matmul_precision = options_.precision;
    model_.set_lora_dropout(&dropout_);
    std::vector<double> sums(batches.batches.size(), 0.0);
    const PartRange own = sum_.begin(computing, std::ssize(batches.batches));
    for (std::int64_t i = own.begin; i < own.end; ++i) {
      const Batch& batch = batches.batches[static_cast<std::size_t>(i)];
      // A mask of its own for each batch of the run.
      dropout_.draw = static_cast<std::uint64_t>(state_.step * options_.accumulate + i);
      const TokenBatch tokens{batch.ids, batch.starts, batch.types};
      if (batch.labels.empty()) {
        losses_.resize(batch.ids.size());
        if (reference_ == nullptr) {
          model_.losses_backward(computing, ws_, tape_, tokens, batch.targets, scale, losses_);
        } else {
          model_.divergences_backward(computing, ws_, tape_, *reference_, tokens, batch.targets, scale,
                                      losses_);
        }
      } else {
        losses_.resize(batch.labels.size());
        model_.label_losses_backward(computing, ws_, tape_, tokens, batch.labels, scale, losses_);
      }
      for (const float loss : losses_) sums[static_cast<std::size_t>(i)] += loss;
      sum_.add(computing);
    }
    model_.set_lora_dropout(nullptr);
    sum_.finish();
    ranks_.sum(sums);  // each was computed by one rank, and is 0 on the others
    double all = 0.0;
    for (const double sum : sums) all += sum;
    return all;
  }

  void step() {
    const double begin = monotonic_seconds();
    const StepBatches batches = stream_.next();
    const double loss = gradients(batches) / static_cast<double>(batches.trained_tokens);
    const double norm = gradient_norm(ctx_, parameters_);
    const double lr = options_.lr * schedule_.factor(state_.step);
    const double rate = lr * state_.lr_scale;
    std::string note;
    // From here on nothing is interrupted: the step happens whole or not at all.
    const bool good = guard_step(ctx_, state_, loss, norm, lr, parameters_, note);
    if (good) {
      optimizer_.step(ctx_, rate, clip_factor(norm, options_.clip));
      if (magnitudes_) model_.update_magnitudes(ctx_);
      state_.loss = loss;
      state_.gradient_norm = norm;
    }
    ++state_.step;
    state_.data = stream_.position();
    state_.tokens += batches.tokens;
    state_.trained_tokens += batches.trained_tokens;
    const double seconds = monotonic_seconds() - begin;
    state_.seconds += seconds;
    const double speed = static_cast<double>(batches.tokens) / std::max(seconds, 1e-9);

    nlohmann::ordered_json record = {{"step", state_.step}, {"epoch", stream_.epochs_done()}};
    if (good) {
      record.update({{"loss", loss}, {"learning_rate", rate}, {"gradient_norm", norm}});
    } else {
      record["skipped"] = note;
      ctx_.progress.note(note);
    }
    record.update({{"tokens", batches.tokens},
                   {"trained_tokens", batches.trained_tokens},
                   {"tokens_per_second", speed}});
    if (log_) log_->add(std::move(record));
    ctx_.progress.update(state_.step, fmt::format("loss {:.4f}  lr {:.2e}  |g| {:.3f}  {:.0f} tokens/s", loss,
                                                  rate, norm, speed));
  }

  void save() {
    if (saved_ == state_.step && saved_evaluated_ == state_.evaluated) return;
    if (first_rank()) checkpoints_.save(ctx_, state_, parameters_, optimizer_);
    saved_ = state_.step;
    saved_evaluated_ = state_.evaluated;
  }

  Context& ctx_;
  Model& model_;
  const Model* reference_;
  const ExampleSet& examples_;
  const TrainOptions options_;
  BatchStream stream_;
  Alone alone_;
  Collective& ranks_;
  std::vector<Parameter*> parameters_;
  bool magnitudes_;
  GradientArena arena_;
  GradientSum sum_;
  AdamW optimizer_;
  Checkpoints checkpoints_;
  std::unique_ptr<TrainLog> log_;
  Schedule schedule_;
  TrainState state_;
  TrainResult result_;
  Workspace ws_;
  ModelTape tape_;
  LoraDropout dropout_;
  std::vector<float> losses_;
  std::int64_t saved_ = -1, saved_evaluated_ = -1;
};

}  // namespace

MatmulPrecision parse_matmul_precision(std::string_view name) {
  return enum_parse(kMatmulPrecisionNames, name, "matmul-precision");
}

void check_train_options(const TrainOptions& o) {
  const auto positive = [](std::string_view option, double x) {
    check_option(x > 0 && std::isfinite(x), option, "is {}, but must be a number above 0", x);
  };
  const auto not_negative = [](std::string_view option, double x) {
    check_option(x >= 0 && std::isfinite(x), option, "is {}, but must be 0 or more", x);
  };
  const auto below_one = [](std::string_view option, double x) {
    check_option(x >= 0 && x < 1, option, "is {}, but must be 0 or more and below 1", x);
  };
  positive("lr", o.lr);
  positive("eps", o.adam.eps);
  positive("lora-plus", o.lora_plus);
  not_negative("weight-decay", o.weight_decay);
  not_negative("clip", o.clip);
  below_one("dropout", o.dropout);
  not_negative("max-steps", static_cast<double>(o.max_steps));
  if (o.max_steps == 0) positive("epochs", o.epochs);
  check_option(o.epochs <= 1e6, "epochs", "is {}, but must be at most a million", o.epochs);
  below_one("beta1", o.adam.beta1);
  below_one("beta2", o.adam.beta2);
  warmup_steps(o.warmup, 1);
}

bool ends_with_best(const TrainOptions& options) {
  return options.end_with_best.value_or(options.early_stop > 0);
}

std::int64_t total_steps(const ExampleSet& examples, const TrainOptions& options) {
  if (options.max_steps > 0) return options.max_steps;
  return BatchStream(examples.train, examples.weights, options.batch, options.accumulate)
      .steps_in(options.epochs);
}

std::vector<TrainedParameter> parameter_groups(const std::vector<Parameter*>& parameters,
                                               const TrainOptions& options) {
  std::vector<TrainedParameter> groups;
  for (Parameter* p : parameters) {
    const bool matrix = p->value.shape().size() > 1;
    groups.push_back({p, p->name.ends_with(".lora_B.weight") ? options.lora_plus : 1.0,
                      matrix ? options.weight_decay : 0.0});
  }
  return groups;
}

TrainResult train(Context& ctx, Model& model, const ExampleSet& examples, const TrainOptions& options,
                  const std::filesystem::path& directory, const Model* reference) {
  check_train_options(options);
  LQ_CHECK(!model.trainable().empty(), kInvalidArgument, "[train] nothing in the model is to learn");
  return Trainer(ctx, model, examples, options, directory, reference).run();
}

}  // namespace lq
