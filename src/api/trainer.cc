#include <cmath>
#include <numeric>

#include "api/context_impl.h"
#include "api/model_impl.h"
#include "base/error.h"
#include "data/batch.h"
#include "dist/alone/alone.h"
#include "files/path_access.h"
#include "lqlora/finetune.h"
#include "models/model_check.h"
#include "train/adamw.h"
#include "train/gradient_sum.h"
#include "train/gradients.h"
#include "train/lora_setup.h"
#include "train/train_guard.h"
#include "train/write_adapter.h"

namespace lqlora {
namespace {

lq::LoraState set_up(Context& context, Model& model, const TrainerOptions& options) {
  lq::refuse_encoder(model.impl().model.spec(), model.impl().path.string(), "learn to say the next token");
  LQ_CHECK(options.learning_rate > 0 && std::isfinite(options.learning_rate), kInvalidArgument,
           "learning_rate {}: expected a number above 0", options.learning_rate);
  LQ_CHECK(options.clip >= 0 && std::isfinite(options.clip), kInvalidArgument, "clip {}: expected 0 or more",
           options.clip);
  lq::LoraOptions lora;
  lora.rank = options.rank;
  lora.alpha = options.alpha;
  lora.replaced = model.impl().model.replaced();
  return lq::lora_setup(context.impl().context, model.impl().model, lora);
}

std::vector<lq::TrainedParameter> learning(const std::vector<lq::Parameter*>& parameters) {
  std::vector<lq::TrainedParameter> all;
  for (lq::Parameter* p : parameters) all.push_back({p});
  return all;
}

lq::Batch batch_of(std::span<const TrainingSequence> sequences, const lq::ModelSpec& spec) {
  const std::int64_t vocab = spec.vocab;
  std::vector<lq::EncodedExample> examples;
  for (const TrainingSequence& sequence : sequences) {
    const std::size_t size = sequence.ids.size();
    LQ_CHECK(size > 0, kInvalidArgument, "[train] a sequence without a token");
    lq::check_sequence_length(spec, std::ssize(sequence.ids), "[train] a sequence");
    LQ_CHECK(sequence.counts.empty() || sequence.counts.size() == size, kInvalidArgument,
             "[train] a sequence of {} ids with {} entries in counts", size, sequence.counts.size());
    lq::EncodedExample& e = examples.emplace_back();
    e.ids = sequence.ids;
    for (const std::int32_t id : e.ids) {
      LQ_CHECK(id >= 0 && id < vocab, kInvalidArgument, "[train] token {}: the vocabulary has {}", id, vocab);
    }
    e.in_loss.assign(size, 1);
    for (std::size_t t = 0; t < sequence.counts.size(); ++t) e.in_loss[t] = sequence.counts[t] ? 1 : 0;
  }
  std::vector<std::int64_t> all(examples.size());
  std::iota(all.begin(), all.end(), 0);
  lq::Batch batch = lq::make_batch(examples, all);
  LQ_CHECK(batch.trained_tokens > 0, kInvalidArgument, "[train] no token of the batch counts for the loss");
  return batch;
}

}  // namespace

struct Trainer::Impl {
  Impl(Context& c, Model& m, const TrainerOptions& o)
      : context(c.impl().context),
        model(m.impl().model),
        path(m.impl().path.string()),
        options(o),
        state(set_up(c, m, o)),
        parameters(model.trainable()),
        arena(context, parameters),
        sum(arena, alone),
        optimizer(learning(parameters), {}) {}

  lq::Context& context;
  lq::Model& model;
  std::string path;
  TrainerOptions options;
  lq::LoraState state;
  std::vector<lq::Parameter*> parameters;
  lq::Alone alone;
  lq::GradientArena arena;
  lq::GradientSum sum;
  lq::AdamW optimizer;
  lq::Workspace workspace;
  lq::ModelTape tape;
};

Trainer::Trainer(Context& context, Model& model, const TrainerOptions& options)
    : impl_(std::make_unique<Impl>(context, model, options)) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

StepResult Trainer::step(std::span<const TrainingSequence> batch) {
  Impl& s = *impl_;
  lq::Context& ctx = s.context;
  const lq::Batch tokens = batch_of(batch, s.model.spec());
  std::vector<float> losses(tokens.ids.size());
  s.arena.attach();
  s.sum.begin(ctx, 1);
  s.model.losses_backward(ctx, s.workspace, s.tape, {tokens.ids, tokens.starts}, tokens.targets,
                          static_cast<float>(1.0 / static_cast<double>(tokens.trained_tokens)), losses);
  s.sum.add(ctx);
  s.sum.finish();
  StepResult result;
  result.tokens = tokens.trained_tokens;
  for (const float loss : losses) result.loss += loss;
  result.loss /= static_cast<double>(tokens.trained_tokens);
  result.gradient_norm = lq::gradient_norm(ctx, s.parameters);
  LQ_CHECK(std::isfinite(result.loss) && std::isfinite(result.gradient_norm), kInvalidArgument,
           "[train] step {}: loss {}, gradient norm {}; a lower learning_rate may help",
           s.optimizer.steps() + 1, result.loss, result.gradient_norm);
  s.optimizer.step(ctx, s.options.learning_rate, lq::clip_factor(result.gradient_norm, s.options.clip));
  s.model.update_magnitudes(ctx);
  s.model.weights_changed();
  return result;
}

std::int64_t Trainer::steps() const { return impl_->optimizer.steps(); }

void Trainer::save_adapter(const std::filesystem::path& directory) const {
  namespace fs = std::filesystem;
  lq::TrainState state;
  state.step = steps();
  lq::check_learnt(impl_->context, state, impl_->parameters);
  std::error_code error;
  fs::create_directories(directory, error);
  LQ_CHECK(!error, kIo, "{}: cannot create the directory: {}", directory.string(), error.message());
  const bool empty = lq::with_io_errors([&] { return fs::is_empty(directory); });
  LQ_CHECK(empty, kInvalidArgument, "{}: a new or an empty directory was expected", directory.string());
  lq::Model& model = impl_->model;
  const std::string base = model.packed() ? std::string() : impl_->path;  // as `finetune` names it
  lq::Context& ctx = impl_->context;
  lq::write_adapter(ctx, model, impl_->state, 0.0, model.base_hash(ctx), base, directory);
}

}  // namespace lqlora
