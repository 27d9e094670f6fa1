// Results as lm-evaluation-harness writes them ("results": {"arc_easy": {"acc,none": 0.5, ...}}, "groups",
// "n-shot", ...), so that what reads its files reads ours.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/task.h"

namespace lq {

struct TaskResult {
  std::string name;
  const Task* task = nullptr;     // null: perplexity of a text, which is no task of the harness
  nlohmann::ordered_json scores;  // as run_task gives them
};

// config: what was run ("model", "model_args", "limit"). Nothing in it depends on the time that it took.
nlohmann::ordered_json harness_results(const std::vector<TaskResult>& results,
                                       const nlohmann::ordered_json& config);

// "exact_match_strict" -> "exact_match,strict-match", "acc" -> "acc,none"; the standard error of a metric has
// "_stderr" before the comma.
std::string harness_metric(const std::string& metric, bool error);

}  // namespace lq
