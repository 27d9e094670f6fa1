#include "eval/tasks/glue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "base/enum_names.h"
#include "base/error.h"
#include "eval/label_metrics.h"

namespace lq {
namespace {

using Metrics = std::vector<GlueMetric>;

std::vector<GlueTask> make_glue_tasks() {
  const Metrics acc = {GlueMetric::kAccuracy};
  const Metrics acc_f1 = {GlueMetric::kAccuracy, GlueMetric::kF1};
  const std::vector<std::string_view> numbers = {"0", "1"};
  const std::vector<std::string_view> entailment = {"entailment", "not_entailment"};
  const std::vector<std::string_view> nli = {"entailment", "neutral", "contradiction"};
  std::vector<GlueTask> all = {
      // CoLA's columns by their number: source, label, the author's mark, sentence.
      {"cola", "CoLA", "3", "", "1", "sentence", "", numbers, {GlueMetric::kMatthews}},
      {"sst2", "SST-2", "sentence", "", "label", "sentence", "", numbers, acc},
      {"mrpc", "MRPC", "#1 String", "#2 String", "Quality", "sentence1", "sentence2", numbers, acc_f1},
      {"stsb",
       "STS-B",
       "sentence1",
       "sentence2",
       "score",
       "sentence1",
       "sentence2",
       {},
       {GlueMetric::kPearson, GlueMetric::kSpearman}},
      {"qqp", "QQP", "question1", "question2", "is_duplicate", "question1", "question2", numbers, acc_f1},
      {"mnli", "MNLI", "sentence1", "sentence2", "gold_label", "premise", "hypothesis", nli, acc},
      {"mnli-mm", "MNLI", "sentence1", "sentence2", "gold_label", "premise", "hypothesis", nli, acc},
      {"qnli", "QNLI", "question", "sentence", "label", "question", "sentence", entailment, acc},
      {"rte", "RTE", "sentence1", "sentence2", "label", "sentence1", "sentence2", entailment, acc},
      {"wnli", "WNLI", "sentence1", "sentence2", "label", "sentence1", "sentence2", numbers, acc},
      {"ax", "AX", "sentence1", "sentence2", "Label", "premise", "hypothesis", nli, {GlueMetric::kMatthews}}};
  const auto task = [&all](std::string_view name) -> GlueTask& {
    return *std::ranges::find(all, name, &GlueTask::name);
  };
  task("cola").header = false;
  GlueTask& matched = task("mnli");
  matched.validation.insert(matched.validation.begin(), {"dev_matched", "validation_matched"});
  matched.test = {"test_matched"};
  GlueTask& mismatched = task("mnli-mm");
  mismatched.validation = {"dev_mismatched", "validation_mismatched"};
  mismatched.test = {"test_mismatched"};
  matched.submission = "MNLI-m";
  mismatched.submission = "MNLI-mm";
  mismatched.learnt_from = "mnli";
  task("ax").learnt_from = "mnli";
  task("ax").validation = {"diagnostic-full"};
  task("ax").test = {"diagnostic", "AX"};
  return all;
}

std::string plain_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '-' && c != '_') out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return out;
}

double score_by(GlueMetric metric, std::span<const std::int64_t> predicted,
                std::span<const std::int64_t> truth) {
  switch (metric) {
    case GlueMetric::kAccuracy:
      return accuracy(predicted, truth);
    case GlueMetric::kF1:
      return f1_of_ones(predicted, truth);
    case GlueMetric::kMatthews:
      return matthews_correlation(predicted, truth);
    case GlueMetric::kPearson:
    case GlueMetric::kSpearman:
      break;
  }
  fail(ErrorCode::kInternal, "[glue] {} of classes", glue_metric_name(metric));
}

std::vector<double> first_column(ConstMatrix outputs) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < outputs.rows; ++i) values.push_back(outputs.row(i)[0]);
  return values;
}

void check_outputs(const GlueTask& task, ConstMatrix outputs, std::size_t rows) {
  LQ_CHECK(outputs.rows == static_cast<std::int64_t>(rows) && outputs.cols == task.outputs(), kMismatch,
           "[glue] {}: outputs are [{}, {}] for {} examples of {} outputs each", task.name, outputs.rows,
           outputs.cols, rows, task.outputs());
}

}  // namespace

std::string_view glue_metric_name(GlueMetric metric) {
  switch (metric) {
    case GlueMetric::kAccuracy:
      return "accuracy";
    case GlueMetric::kF1:
      return "f1";
    case GlueMetric::kMatthews:
      return "matthews_correlation";
    case GlueMetric::kPearson:
      return "pearson";
    case GlueMetric::kSpearman:
      return "spearman";
  }
  fail(ErrorCode::kInternal, "[glue] metric {}", static_cast<int>(metric));
}

const std::vector<GlueTask>& glue_tasks() {
  static const std::vector<GlueTask> kTasks = make_glue_tasks();
  return kTasks;
}

const GlueTask& find_glue_task(std::string_view name) {
  for (const GlueTask& task : glue_tasks()) {
    if (plain_name(task.name) == plain_name(name)) return task;
  }
  for (const GlueTask& task : glue_tasks()) {
    if (plain_name(task.title) == plain_name(name)) return task;
  }
  std::vector<std::string_view> known;
  for (const GlueTask& task : glue_tasks()) known.push_back(task.name);
  fail(ErrorCode::kInvalidArgument, "'{}' is not a task of GLUE (known: {})", name, fmt::join(known, ", "));
}

std::vector<std::int64_t> predicted_classes(ConstMatrix outputs) {
  std::vector<std::int64_t> classes;
  for (std::int64_t i = 0; i < outputs.rows; ++i) {
    const float* const row = outputs.row(i);
    classes.push_back(std::max_element(row, row + outputs.cols) - row);
  }
  return classes;
}

std::map<std::string, double> glue_scores(const GlueTask& task, ConstMatrix outputs,
                                          std::span<const float> labels) {
  check_outputs(task, outputs, labels.size());
  LQ_CHECK(!labels.empty(), kInvalidArgument, "[glue] {}: there is no example to score", task.name);
  std::map<std::string, double> scores;
  if (task.regression()) {
    const std::vector<double> predicted = first_column(outputs);
    const std::vector<double> truth(labels.begin(), labels.end());
    scores["pearson"] = pearson_correlation(predicted, truth);
    scores["spearman"] = spearman_correlation(predicted, truth);
  } else {
    const std::vector<std::int64_t> predicted = predicted_classes(outputs);
    std::vector<std::int64_t> truth;
    for (const float label : labels) truth.push_back(static_cast<std::int64_t>(label));
    for (const GlueMetric metric : task.metrics) {
      scores[std::string(glue_metric_name(metric))] = score_by(metric, predicted, truth);
    }
  }
  double sum = 0.0;
  for (const auto& [name, value] : scores) sum += value;
  scores["score"] = sum / static_cast<double>(task.metrics.size());
  return scores;
}

std::string glue_predictions(const GlueTask& task, ConstMatrix outputs,
                             std::span<const std::string> indices) {
  check_outputs(task, outputs, indices.size());
  std::string text = "index\tprediction\n";
  const auto classes = task.regression() ? std::vector<std::int64_t>() : predicted_classes(outputs);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::string value =
        task.regression()
            ? fmt::format("{:.3f}", std::clamp(outputs.row(static_cast<std::int64_t>(i))[0], 0.0F, 5.0F))
            : std::string(task.labels[static_cast<std::size_t>(classes[i])]);
    text += fmt::format("{}\t{}\n", indices[i], value);
  }
  return text;
}

}  // namespace lq
