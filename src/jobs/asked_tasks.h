// What `eval --tasks` names, and which options go with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/task.h"
#include "jobs/eval_job.h"

namespace lq {

// One entry of the list.
struct AskedTask {
  std::string name;         // as given
  std::int64_t window = 0;  // of perplexity
  bool perplexity = false;
  bool chat = false;         // vicuna
  std::optional<Task> task;  // a benchmark, or one of the user's own
};

// In the order given. Throws Error(kInvalidArgument) for a name that is unknown, is there twice or is
// another's, and for options that none of them would use or that vicuna lacks; Error(kNotFound),
// Error(kCorruptFile) for a task's file.
std::vector<AskedTask> asked_tasks(const EvalOptions& options);

}  // namespace lq
