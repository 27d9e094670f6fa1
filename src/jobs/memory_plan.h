// What a model needs beside its packed matrices when its low-rank part is fine-tuned: the fixed side of a
// budget of memory (`--memory`).
#pragma once

#include <cstdint>
#include <vector>

#include "allocate/memory_budget.h"
#include "formats/checkpoint.h"
#include "tensor/context.h"

namespace lq {

struct MemoryPlanOptions {
  std::int64_t total = 0;     // bytes, for everything
  std::int64_t rank = 0;      // of every selected matrix
  std::int64_t tokens = 512;  // that pass through the model together in a training step
};

// dense: every tensor of `model` that is not selected, as stored. low_rank: A and B in f32. optimizer: their
// gradients and AdamW's two moments in f32. activations: what Model says of a training step that keeps
// each block's input; for other kinds of model 0, with a note. Throws what the readers throw.
MemoryPlan finetune_memory_plan(Context& context, const CheckpointPtr& model,
                                const std::vector<const TensorView*>& selected,
                                const MemoryPlanOptions& options);

}  // namespace lq
