#include "eval/tasks/glue.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"

namespace lq {
namespace {

TEST(Glue, TasksByTheirNamesAndTitles) {
  EXPECT_EQ(find_glue_task("sst2").title, "SST-2");
  EXPECT_EQ(find_glue_task("SST-2").name, "sst2");
  EXPECT_EQ(find_glue_task("STS-B").name, "stsb");
  EXPECT_EQ(find_glue_task("MNLI").name, "mnli");
  EXPECT_EQ(find_glue_task("mnli_mm").name, "mnli-mm");
  std::set<std::string> files;
  for (const GlueTask& task : glue_tasks()) files.insert(task.predictions_file());
  // The names that the benchmark's site asks for.
  EXPECT_EQ(files,
            (std::set<std::string>{"AX.tsv", "CoLA.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "MRPC.tsv", "QNLI.tsv",
                                   "QQP.tsv", "RTE.tsv", "SST-2.tsv", "STS-B.tsv", "WNLI.tsv"}));
  try {
    find_glue_task("squad");
    FAIL() << "an unknown task";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("'squad' is not a task of GLUE (known: cola, sst2"),
              std::string::npos)
        << e.what();
  }
}

TEST(Glue, ScoresAreTheTasksMetricsAndTheirMean) {
  const std::vector<float> outputs = {2, 1, 0, 3, 1, 1, -1, 5};  // classes 0, 1, 0 (the first of equals), 1
  const ConstMatrix m{outputs.data(), 4, 2};
  EXPECT_EQ(predicted_classes(m), (std::vector<std::int64_t>{0, 1, 0, 1}));
  const std::vector<float> labels = {0, 1, 1, 1};
  const auto mrpc = glue_scores(find_glue_task("mrpc"), m, labels);
  EXPECT_DOUBLE_EQ(mrpc.at("accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(mrpc.at("f1"), 0.8);
  EXPECT_DOUBLE_EQ(mrpc.at("score"), 0.775);
  EXPECT_EQ(glue_scores(find_glue_task("sst2"), m, labels).size(), 2U);
  const std::vector<float> scores = {0.5F, 4, 2, 3};
  const ConstMatrix column{scores.data(), 4, 1};
  const auto stsb = glue_scores(find_glue_task("stsb"), column, scores);
  EXPECT_DOUBLE_EQ(stsb.at("pearson"), 1.0);
  EXPECT_DOUBLE_EQ(stsb.at("score"), 1.0);
  EXPECT_THROW(glue_scores(find_glue_task("mnli"), m, labels), Error);  // three classes, two outputs
  EXPECT_THROW(glue_scores(find_glue_task("sst2"), {outputs.data(), 0, 2}, {}), Error);
}

TEST(Glue, PredictionsAsTheSiteTakesThem) {
  const std::vector<float> outputs = {2, 1, 0, 3};
  const std::vector<std::string> indices = {"0", "7"};
  const ConstMatrix m{outputs.data(), 2, 2};
  EXPECT_EQ(glue_predictions(find_glue_task("rte"), m, indices),
            "index\tprediction\n0\tentailment\n7\tnot_entailment\n");
  EXPECT_EQ(glue_predictions(find_glue_task("cola"), m, indices), "index\tprediction\n0\t0\n7\t1\n");
  const std::vector<float> scores = {-0.25F, 3.14159F};
  EXPECT_EQ(glue_predictions(find_glue_task("stsb"), {scores.data(), 2, 1}, indices),
            "index\tprediction\n0\t0.000\n7\t3.142\n");
}

}  // namespace
}  // namespace lq
