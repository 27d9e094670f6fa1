// `eval`: tasks of all kinds on one model, and what of it goes to files.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "jobs/options/eval_options.h"
#include "tensor/context.h"

namespace lq {

// Called with each task as it is finished: its name as given, and its scores.
using OnTask = std::function<void(const std::string& name, const nlohmann::ordered_json& scores)>;

// {TASK: {METRIC: value, ...}, ...}, and "findings" of the text of perplexity, where there are any. Writes
// what the options name: out (lm-evaluation-harness's schema), samples, answers, judge_pairs. With `out`,
// answers are kept in OUT.work until it is written; the same options then go on where a run was killed, and
// end in the same bytes. Throws Error(kInvalidArgument) for options that do not fit together, before anything
// is computed; what run_task, perplexity, chat_answers and Job throw.
nlohmann::ordered_json eval_job(Context& ctx, const EvalOptions& options, const OnTask& on_task = {});

}  // namespace lq
