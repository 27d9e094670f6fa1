// Scores of documents to those of a benchmark: means, standard errors, groups.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "eval/task.h"

namespace lq {

struct MeanAndError {
  double mean = 0.0;
  double standard_error = 0.0;  // sample deviation over the square root of their number; 0 for a single one
  std::int64_t count = 0;
};
MeanAndError mean_and_error(std::span<const double> values);
// The standard error of the mean over all values of several groups, as the harness pools it.
double pooled_error(std::span<const MeanAndError> groups);

// {"acc": ..., "acc_stderr": ..., "documents": ...} of the documents' scores. With groups (MMLU) the mean is
// over all documents, "acc_macro" over the groups, and "groups" and "subjects" hold the parts.
nlohmann::ordered_json task_scores(const Task& task, std::span<const TaskItem> items,
                                   std::span<const ItemScores> scores);

}  // namespace lq
