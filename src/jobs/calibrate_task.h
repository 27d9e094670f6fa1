// `calibrate --task`: statistics by the gradients of a GLUE task's loss.
#pragma once

#include "calibrate/calibrate.h"
#include "formats/checkpoint.h"
#include "tensor/context.h"

namespace lq {

// calibrate() by the task that options.task names, or by the text where it names none. `data` is then one
// folder of the task's files, and seq_len the longest example (0: the model's positions). Throws
// Error(kInvalidArgument) where `loss` and `task` do not fit, and what read_task_data throws.
CalibrateReport calibrate_any(Context& ctx, const CheckpointPtr& model, const CalibrateOptions& options);
// Opens options.model.
CalibrateReport calibrate_any(Context& ctx, const CalibrateOptions& options);

}  // namespace lq
