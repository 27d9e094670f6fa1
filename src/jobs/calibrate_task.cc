#include "jobs/calibrate_task.h"

#include <limits>

#include "base/option_error.h"
#include "jobs/finetune_task.h"

namespace lq {

CalibrateReport calibrate_any(Context& ctx, const CheckpointPtr& model, const CalibrateOptions& options) {
  const bool by_task = !options.task.empty();
  check_option(options.loss_of_task.value_or(by_task) == by_task, "loss", "is {}, but {}",
               options.loss_of_task.value_or(false) ? "task" : "text",
               by_task ? "`task` names one" : "`task` names none");
  if (!by_task) return calibrate(ctx, model, options);
  check_option(options.data.size() == 1, "data", "names {} sources, but a task has one folder of files",
               options.data.size());
  FinetuneOptions task;
  task.task = options.task;
  task.data.train = {{options.data.front()}};
  task.data.examples.max_length =
      options.seq_len > 0 ? options.seq_len : std::numeric_limits<std::int64_t>::max();
  TaskData data = read_task_data(ctx, model, task);
  const TaskSequences sequences{data.labelled.labels, std::move(data.labelled.examples.train)};
  return calibrate(ctx, model, options, &sequences);
}

CalibrateReport calibrate_any(Context& ctx, const CalibrateOptions& options) {
  if (options.task.empty() && !options.loss_of_task.value_or(false)) return calibrate(ctx, options);
  return calibrate_any(ctx, Checkpoint::open(options.model), options);
}

}  // namespace lq
