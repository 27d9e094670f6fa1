// GLUE (Wang et al. 2018): nine tasks over one text or two, each with labels of its own, and the diagnostic
// set AX. Definitions of labels and scores are the benchmark's; labels are numbered as Hugging Face does.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/matrix.h"

namespace lq {

enum class GlueMetric { kAccuracy, kF1, kMatthews, kPearson, kSpearman };
std::string_view glue_metric_name(GlueMetric metric);  // "accuracy", "f1", "matthews_correlation", ...

struct GlueTask {
  std::string_view name;    // "sst2"
  std::string_view title;   // "SST-2": the folder of its files
  std::string_view first;   // columns of the official files
  std::string_view second;  // empty: one text
  std::string_view label;
  std::string_view json_first;  // keys of JSON records; there "label" holds the label
  std::string_view json_second;
  std::vector<std::string_view> labels;  // by their number; empty: a score between 0 and 5
  std::vector<GlueMetric> metrics;       // of the validation set; the task's score is their mean
  // Names of files without their ending. A file "train_part.tsv" is one whose name goes on behind "train".
  std::vector<std::string_view> train = {"train"};
  std::vector<std::string_view> validation = {"dev", "validation", "valid", "val", "heldout"};
  std::vector<std::string_view> test = {"test"};
  bool header = true;  // of the files with labels: CoLA's have none, but columns by their number
  std::string_view learnt_from = {};  // the task whose examples it is learnt from; empty: its own
  std::string_view submission = {};   // the name of its predictions; empty: the title

  std::string predictions_file() const {
    return std::string(submission.empty() ? title : submission) + ".tsv";
  }
  bool regression() const { return labels.empty(); }
  bool pairs() const { return !second.empty(); }
  // Outputs of a head for it.
  std::int64_t outputs() const { return regression() ? 1 : static_cast<std::int64_t>(labels.size()); }
};

// cola, sst2, mrpc, stsb, qqp, mnli (its matched part), mnli-mm (the mismatched one, learnt from the same
// file), qnli, rte, wnli, ax (likewise).
const std::vector<GlueTask>& glue_tasks();
// By its name or title, in any case, with or without "-" and "_". Throws Error(kInvalidArgument) naming the
// known ones.
const GlueTask& find_glue_task(std::string_view name);

// The class of each row of outputs: the greatest, the first of equals. REQUIRES: not a regression.
std::vector<std::int64_t> predicted_classes(ConstMatrix outputs);

// Scores by the metrics' names, and "score": their mean, as GLUE's table has it. outputs: a row an example,
// of task.outputs() columns; labels: of the same examples, in their order. Throws Error(kInvalidArgument) for
// no example, Error(kMismatch) for another shape.
std::map<std::string, double> glue_scores(const GlueTask& task, ConstMatrix outputs,
                                          std::span<const float> labels);

// Predictions as the benchmark's site takes them: "index\tprediction", classes by their names where the
// task's files name them, scores within [0, 5] with three decimals.
std::string glue_predictions(const GlueTask& task, ConstMatrix outputs, std::span<const std::string> indices);

}  // namespace lq
