#include "train/finetune.h"

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "base/error.h"
#include "files/path_access.h"
#include "lqlora/finetune.h"

namespace lqlora {
namespace {

lq::LoraStart start_of(const std::string& init) {
  if (init == "auto") return lq::LoraStart::kAdapter;
  if (init == "zero") return lq::LoraStart::kZero;
  const bool stacked = init == "stacked" || init == "beside";  // the latter is its old name
  LQ_CHECK(stacked, kInvalidArgument, "init {}: expected auto, zero or stacked", init);
  return lq::LoraStart::kStacked;
}

void check_counts(const FinetuneOptions& o) {
  LQ_CHECK(o.seq_len > 1, kInvalidArgument, "seq_len {}: expected 2 or more", o.seq_len);
  for (const auto& [name, value] :
       {std::pair{"batch_size", o.batch_size}, std::pair{"grad_accum", o.grad_accum}}) {
    LQ_CHECK(value > 0, kInvalidArgument, "{} {}: expected 1 or more", name, value);
  }
  for (const auto& [name, value] : {std::pair{"eval_every", o.eval_every},
                                    std::pair{"save_every", o.save_every}, std::pair{"rank", o.rank}}) {
    LQ_CHECK(value >= 0, kInvalidArgument, "{} {}: expected 0 or more", name, value);
  }
  LQ_CHECK(o.validation_share >= 0 && o.validation_share < 1, kInvalidArgument,
           "validation_share {}: expected 0 or more and less than 1", o.validation_share);
}

lq::FinetuneOptions job_options(const std::filesystem::path& out, const FinetuneOptions& o) {
  check_counts(o);
  lq::FinetuneOptions job;
  job.out = out;
  job.adapter = o.adapter;
  job.full = o.full;
  job.overwrite = o.overwrite;
  for (const auto& path : o.data) job.data.train.push_back({path});
  for (const auto& path : o.validation_data) job.data.validation.push_back({path});
  job.data.chat_template = o.chat_template;
  job.data.examples.max_length = o.seq_len;
  job.data.examples.validation = o.validation_share;
  job.data.examples.encode.train_on_all = o.train_on_prompts;
  job.lora.start = start_of(o.init);
  job.lora.rank = o.rank;
  job.lora.alpha = o.alpha;
  job.lora.targets = o.targets;
  lq::TrainOptions& t = job.train;
  t.lr = o.learning_rate;
  t.schedule = lq::parse_schedule(o.schedule);
  t.warmup = o.warmup;
  t.weight_decay = o.weight_decay;
  t.clip = o.clip;
  t.dropout = o.dropout;
  t.adam.eight_bit = o.eight_bit_optimizer;
  t.batch.rows = o.batch_size;
  t.accumulate = o.grad_accum;
  t.max_steps = o.max_steps;
  t.epochs = o.epochs;
  t.eval_every = o.eval_every;
  t.save_every = o.save_every;
  t.precision = lq::MatmulPrecision::kI16;  // as the command line
  return job;
}

}  // namespace

FinetuneReport finetune(Context& context, const Checkpoint& model, const std::filesystem::path& out,
                        const FinetuneOptions& options) {
  lq::check_readable(options.adapter);
  const lq::FinetuneReport r = lq::with_io_errors([&] {
    return lq::finetune(context.impl().context, model.impl().checkpoint, job_options(out, options));
  });
  const lq::TrainState& state = r.training.state;
  FinetuneReport report;
  report.steps = state.step;
  report.final_loss = state.loss;
  report.first_validation_loss = state.first_validation_loss;
  report.validation_loss = state.validation_loss;
  report.trained_parameters = r.parameters;
  report.tokens_per_second = r.training.tokens_per_second;
  report.already_done = r.already_done;
  report.skipped_steps = state.skipped;
  report.skipped_at_end = state.bad_streak;
  return report;
}

}  // namespace lqlora
