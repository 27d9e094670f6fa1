#include <algorithm>

#include "models/model.h"
#include "models/model_state.h"
#include "ops/cross_entropy.h"
#include "ops/device_memory.h"
#include "ops/repeat.h"

namespace lq {
namespace {

// A [tokens, hidden] part of a tensor that may be larger.
Matrix part_of(Tensor& t, std::int64_t rows, std::int64_t cols) {
  return {t.mutable_data<float>(), rows, cols, t.device()};
}

void make_room(Device device, ModelTape& tape, std::int64_t layers, std::int64_t tokens,
               std::int64_t hidden) {
  tape.inputs.resize(static_cast<std::size_t>(layers));
  for (Tensor& t : tape.inputs) {
    if (t.numel() >= tokens * hidden && t.device() == device) continue;
    t = Tensor();
    t = empty_tensor(device, DType::kF32, {tokens, hidden});
  }
  tape.blocks.resize(tape.keep == Keep::kActivations ? static_cast<std::size_t>(layers) : 1);
}

void check_targets(const TokenBatch& batch, std::span<const std::int32_t> targets,
                   std::span<const float> losses) {
  LQ_CHECK(std::ssize(targets) == batch.tokens() && std::ssize(losses) == batch.tokens(), kMismatch,
           "[model] {} tokens, {} targets, {} losses", batch.tokens(), targets.size(), losses.size());
}

void check_labels(const TokenBatch& batch, std::span<const float> labels, std::span<const float> losses) {
  LQ_CHECK(labels.size() + 1 == batch.starts.size() && losses.size() == labels.size(), kMismatch,
           "[model] {} sequences, {} labels, {} losses", batch.starts.size() - 1, labels.size(),
           losses.size());
}

void check_reference(const Model& reference, const ModelSpec& spec) {
  LQ_CHECK(reference.spec().vocab == spec.vocab, kMismatch,
           "[model] {} tokens in the vocabulary, but {} in that of the reference", spec.vocab,
           reference.spec().vocab);
}

LabelHead& label_head_of(const Model::State& state) {
  LQ_CHECK(state.label_head != nullptr, kUnsupported, "[model] {}: this model has no head over sequences",
           state.path());
  return *state.label_head;
}

}  // namespace

std::int64_t ModelTape::bytes() const {
  std::int64_t sum = 0;
  for (const Tensor& t : inputs) sum += static_cast<std::int64_t>(t.bytes());
  for (const BlockTape& t : blocks) sum += t.bytes();
  return sum;
}

void Model::forward_hidden(Context& ctx, Workspace& ws, const TokenBatch& batch, Matrix x) const {
  const SequencePlan p = plan(ctx, batch);
  check_shape("forward_hidden x", x, batch.tokens(), state_->spec.hidden);
  embed(ctx, p, batch.ids, x);
  BlockTape tape;
  for (const TransformerBlock& b : state_->blocks) {
    ctx.stop.check();
    b.forward(ctx, ws, p, x, tape, x);
  }
}

void Model::losses(Context& ctx, Workspace& ws, const TokenBatch& batch,
                   std::span<const std::int32_t> targets, std::span<float> losses,
                   const std::function<void(std::int64_t, ConstMatrix)>& on_logits) const {
  check_targets(batch, targets, losses);
  Scratch scratch(ws);
  const Matrix x = scratch.matrix(batch.tokens(), state_->spec.hidden);
  forward_hidden(ctx, ws, batch, x);
  head().loss(ctx, ws, x, targets, losses, on_logits);
}

void Model::losses_backward(Context& ctx, Workspace& ws, ModelTape& tape, const TokenBatch& batch,
                            std::span<const std::int32_t> targets, float scale, std::span<float> losses) {
  check_targets(batch, targets, losses);
  NextTokenHead& top = head();
  const auto pass = [&](const SequencePlan& p) {
    pass_backward(ctx, ws, tape, p, batch, [&](ConstMatrix last, Matrix dx) {
      top.loss_backward(ctx, ws, last, targets, scale, losses, dx);
    });
  };
  // A graph looks at no id: what an op would refuse is not left to it. Nor does it call hooks of linears,
  // which passes over single blocks have (calibrate/).
  if (ctx.device.is_cpu() || !batch.types.empty() || !state_->has(batch.ids, targets))
    return pass(plan(ctx, batch));
  RepeatedWork what;
  Scratch here(ws);
  what.key = {key_of(Repeated::kTrainingPass),
              key_of(state_.get()),
              state_->changes,
              key_of(&ws),
              key_of(&tape),
              static_cast<std::uint64_t>(tape.keep),
              key_of(ctx),
              key_of(here.matrix(1, 1).data),
              key_of(scale)};
  for (const Parameter* p : trainable()) what.key.push_back(key_of(p->grad.raw()));
  what.key.insert(what.key.end(), batch.starts.begin(), batch.starts.end());
  what.inputs = {{batch.ids.data(), batch.ids.size_bytes()}, {targets.data(), targets.size_bytes()}};
  what.outputs = {{losses.data(), losses.size_bytes()}};
  if (const LoraDropout* const d = state_->dropout) {
    what.key.insert(what.key.end(), {key_of(d->rate), d->seed});
    what.inputs.push_back({&d->draw, sizeof d->draw});
  }
  repeat(
      ctx, what, [&] { return std::make_shared<const SequencePlan>(plan(ctx, batch)); },
      [&](const void* p) { pass(*static_cast<const SequencePlan*>(p)); });
}

void Model::divergences(Context& ctx, Workspace& ws, const Model& reference, const TokenBatch& batch,
                        std::span<const std::int32_t> targets, std::span<float> losses) const {
  check_reference(reference, spec());
  check_targets(batch, targets, losses);
  Scratch scratch(ws);
  const Matrix theirs = scratch.matrix(batch.tokens(), reference.spec().hidden);
  reference.forward_hidden(ctx, ws, batch, theirs);
  const Matrix x = scratch.matrix(batch.tokens(), spec().hidden);
  forward_hidden(ctx, ws, batch, x);
  head().loss(ctx, ws, x, targets, losses, [&](std::int64_t begin, ConstMatrix logits) {
    Scratch inner(ws);
    const Matrix wanted = inner.matrix(logits.rows, logits.cols);
    reference.head().logits(ctx, ws, theirs.slice(begin, logits.rows), wanted);
    const auto of_chunk =
        losses.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(logits.rows));
    kl_divergence(ctx, wanted, logits, of_chunk);
    std::ranges::transform(
        of_chunk, targets.subspan(static_cast<std::size_t>(begin), of_chunk.size()), of_chunk.begin(),
        [](float loss, std::int32_t target) { return target == kIgnoreTarget ? 0.0F : loss; });
  });
}

void Model::divergences_backward(Context& ctx, Workspace& ws, ModelTape& tape, const Model& reference,
                                 const TokenBatch& batch, std::span<const std::int32_t> targets, float scale,
                                 std::span<float> losses) {
  check_reference(reference, spec());
  check_targets(batch, targets, losses);
  Scratch scratch(ws);
  const Matrix theirs = scratch.matrix(batch.tokens(), reference.spec().hidden);
  reference.forward_hidden(ctx, ws, batch, theirs);
  NextTokenHead& top = head();
  const auto divergence = [&](std::int64_t begin, Matrix logits, std::span<float> of_chunk) {
    Scratch inner(ws);
    const Matrix wanted = inner.matrix(logits.rows, logits.cols);
    reference.head().logits(ctx, ws, theirs.slice(begin, logits.rows), wanted);
    const auto counts = targets.subspan(static_cast<std::size_t>(begin), of_chunk.size());
    kl_divergence_backward(ctx, wanted, logits, counts, scale, of_chunk);
  };
  pass_backward(ctx, ws, tape, plan(ctx, batch), batch, [&](ConstMatrix last, Matrix dx) {
    top.loss_backward(ctx, ws, last, divergence, losses, dx);
  });
}

void Model::label_outputs(Context& ctx, Workspace& ws, const TokenBatch& batch, Matrix outputs) const {
  const LabelHead& top = label_head_of(*state_);
  Scratch scratch(ws);
  const Matrix x = scratch.matrix(batch.tokens(), state_->spec.hidden);
  forward_hidden(ctx, ws, batch, x);
  top.forward(ctx, ws, x, batch.starts, outputs);
}

void Model::label_losses(Context& ctx, Workspace& ws, const TokenBatch& batch, std::span<const float> labels,
                         std::span<float> losses, Matrix outputs) const {
  const LabelHead& top = label_head_of(*state_);
  check_labels(batch, labels, losses);
  Scratch scratch(ws);
  const Matrix x = scratch.matrix(batch.tokens(), state_->spec.hidden);
  forward_hidden(ctx, ws, batch, x);
  top.loss(ctx, ws, x, batch.starts, labels, losses, outputs);
}

void Model::label_losses_backward(Context& ctx, Workspace& ws, ModelTape& tape, const TokenBatch& batch,
                                  std::span<const float> labels, float scale, std::span<float> losses) {
  LabelHead& top = label_head_of(*state_);
  check_labels(batch, labels, losses);
  pass_backward(ctx, ws, tape, plan(ctx, batch), batch, [&](ConstMatrix last, Matrix dx) {
    top.loss_backward(ctx, ws, last, batch.starts, labels, scale, losses, dx);
  });
}

void Model::pass_backward(Context& ctx, Workspace& ws, ModelTape& tape, const SequencePlan& p,
                          const TokenBatch& batch, const std::function<void(ConstMatrix, Matrix)>& head) {
  const ModelSpec& c = state_->spec;
  const std::int64_t n = batch.tokens();
  make_room(ctx.device, tape, c.layers(), n, c.hidden);
  Scratch scratch(ws);
  const Matrix last = scratch.matrix(n, c.hidden);
  embed(ctx, p, batch.ids, part_of(tape.inputs[0], n, c.hidden));
  for (std::size_t i = 0; i < state_->blocks.size(); ++i) {
    ctx.stop.check();
    const Matrix to = i + 1 < state_->blocks.size() ? part_of(tape.inputs[i + 1], n, c.hidden) : last;
    BlockTape& kept = tape.blocks[std::min(i, tape.blocks.size() - 1)];
    state_->blocks[i].forward(ctx, ws, p, part_of(tape.inputs[i], n, c.hidden), kept, to);
  }
  const Matrix dx = scratch.matrix(n, c.hidden);
  head(last, dx);
  for (std::size_t i = state_->blocks.size(); i-- > 0;) {
    ctx.stop.check();
    const Matrix x = part_of(tape.inputs[i], n, c.hidden);
    BlockTape& kept = tape.blocks[std::min(i, tape.blocks.size() - 1)];
    // The last block's activations are still there in either case.
    const bool there = tape.keep == Keep::kActivations || i + 1 == state_->blocks.size();
    if (!there) state_->blocks[i].fill_tape(ctx, ws, p, x, kept);
    // Below the first block only the embeddings could learn.
    state_->blocks[i].backward(ctx, ws, p, x, kept, dx, i > 0 || state_->input_learns());
  }
  embed_backward(ctx, p, batch.ids, dx);
}

}  // namespace lq
