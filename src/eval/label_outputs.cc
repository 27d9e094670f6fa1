#include "eval/label_outputs.h"

#include <vector>

#include "base/error.h"
#include "data/batch.h"
#include "tensor/workspace.h"

namespace lq {

Tensor label_outputs(Context& ctx, const Model& model, std::span<const EncodedExample> examples,
                     std::int64_t tokens) {
  LQ_CHECK(model.label_head() != nullptr, kUnsupported, "[eval] {}: this model has no head over sequences",
           model.checkpoint()->path().string());
  Tensor outputs = Tensor::empty(DType::kF32, {std::ssize(examples), model.label_head()->outputs()});
  const Matrix all = matrix_of(outputs);
  Workspace ws;
  for (std::int64_t at = 0; at < std::ssize(examples);) {
    ctx.stop.check();
    std::vector<std::int64_t> picked;
    std::int64_t together = 0;
    const std::int64_t first = at;
    while (at < std::ssize(examples) && (picked.empty() || together < tokens)) {
      const EncodedExample& e = examples[static_cast<std::size_t>(at)];
      LQ_CHECK(!e.ids.empty(), kInvalidArgument, "[eval] example {} has no tokens", at);
      picked.push_back(at++);
      together += std::ssize(e.ids);
    }
    const Batch batch = make_batch(examples, picked);
    model.label_outputs(ctx, ws, {batch.ids, batch.starts, batch.types}, all.slice(first, at - first));
  }
  return outputs;
}

}  // namespace lq
