#include "train/validation.h"

#include "data/batch.h"

namespace lq {

ValidationLoss validation_loss(Context& ctx, Workspace& ws, const Model& model,
                               std::span<const EncodedExample> examples, std::int64_t batch_tokens,
                               const Model* reference) {
  ValidationLoss result;
  double sum = 0.0;
  std::vector<float> losses;
  for (std::int64_t at = 0; at < std::ssize(examples);) {
    ctx.stop.check();
    std::vector<std::int64_t> picked;
    std::int64_t tokens = 0;
    for (; at < std::ssize(examples) && (picked.empty() || tokens < batch_tokens); ++at) {
      picked.push_back(at);
      tokens += std::ssize(examples[static_cast<std::size_t>(at)].ids);
    }
    const Batch batch = make_batch(examples, picked);
    const TokenBatch tokens_of_batch{batch.ids, batch.starts, batch.types};
    if (batch.labels.empty()) {
      losses.resize(batch.ids.size());
      if (reference == nullptr)
        model.losses(ctx, ws, tokens_of_batch, batch.targets, losses);
      else
        model.divergences(ctx, ws, *reference, tokens_of_batch, batch.targets, losses);
    } else {
      losses.resize(batch.labels.size());
      Scratch scratch(ws);
      const Matrix outputs = scratch.matrix(std::ssize(batch.labels), model.label_head()->outputs());
      model.label_losses(ctx, ws, tokens_of_batch, batch.labels, losses, outputs);
    }
    for (const float loss : losses) sum += loss;
    result.tokens += batch.trained_tokens;
  }
  if (result.tokens > 0) result.loss = sum / static_cast<double>(result.tokens);
  return result;
}

}  // namespace lq
