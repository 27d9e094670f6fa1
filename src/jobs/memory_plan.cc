#include "jobs/memory_plan.h"

#include <fmt/format.h>

#include "base/error.h"
#include "models/model.h"

namespace lq {
namespace {

constexpr std::int64_t kFactorBytes = 4;
// A gradient and AdamW's two moments.
constexpr std::int64_t kOptimizerBytes = 12;

std::int64_t activation_bytes(Context& context, const CheckpointPtr& checkpoint, std::int64_t tokens) {
  try {
    ModelLoadOptions options;
    options.no_adapter = true;
    const Model model = Model::load(context, checkpoint, options);
    const ModelMemory memory = model.memory_estimate(tokens, true, Keep::kBlocks);
    return memory.activations + memory.scratch;
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kUnsupported) throw;
    context.progress.note(fmt::format("activations are not counted into the memory budget: {}", e.what()));
    return 0;
  }
}

}  // namespace

MemoryPlan finetune_memory_plan(Context& context, const CheckpointPtr& model,
                                const std::vector<const TensorView*>& selected,
                                const MemoryPlanOptions& options) {
  MemoryPlan plan;
  plan.total = options.total;
  plan.dense = static_cast<std::int64_t>(model->reader().total_bytes());
  std::int64_t factors = 0;
  for (const TensorView* view : selected) {
    plan.dense -= static_cast<std::int64_t>(view->bytes);
    factors += options.rank * (view->shape()[0] + view->shape()[1]);
  }
  plan.low_rank = kFactorBytes * factors;
  plan.optimizer = kOptimizerBytes * factors;
  plan.activations = activation_bytes(context, model, options.tokens);
  return plan;
}

}  // namespace lq
