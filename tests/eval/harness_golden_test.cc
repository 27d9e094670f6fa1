// Every benchmark, document by document, against what lm-evaluation-harness itself made of the same files and
// the same model (tests/goldens/tasks/README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eval/custom_task.h"
#include "eval/harness_results.h"
#include "eval/run_tasks.h"
#include "files/json_file.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

constexpr double kNear = 5e-4;  // nats of a log-likelihood; both compute in f32

fs::path goldens() { return fs::path(test::source_dir()) / "tests/goldens/tasks"; }

Task task_named(const std::string& name) {
  const fs::path file = goldens() / (name + ".toml");
  return fs::exists(file) ? read_custom_task(file) : find_task(name);
}

class HarnessGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { scores_ = read_ordered_json(goldens() / "scores.json"); }

  // Samples by the harness's name of the task or subject, in the order of its documents.
  std::map<std::string, std::vector<OrderedJson>> samples_;
  OrderedJson results_;
  OrderedJson plain_;

  void run(const OrderedJson& golden) {
    const Task task = task_named(golden["task"]);
    TaskOptions options;
    options.data = goldens() / "data";
    if (golden["shots"].is_number()) options.shots = golden["shots"];
    if (golden["max_length"].is_number()) options.max_length = golden["max_length"];
    options.max_new_tokens = 24;
    samples_.clear();
    options.on_sample = [&](const OrderedJson& line) {
      std::string name = task.harness_name.empty() ? task.name : task.harness_name;
      if (line.contains("group")) name += "_" + line["group"].get<std::string>();
      ASSERT_EQ(line["doc_id"], samples_[name].size());
      samples_[name].push_back(line);
    };
    plain_ = run_task(ctx_, model_, *tokenizer_, task, options);
    results_ = harness_results({{task.name, &task, plain_}}, OrderedJson::object())["results"];
  }

  static void expect_document(const std::string& where, const OrderedJson& ours, const OrderedJson& theirs) {
    SCOPED_TRACE(where);
    if (theirs.contains("answer")) {
      EXPECT_EQ(ours["answer"], theirs["answer"]);
    } else {
      const auto& want = theirs["log_likelihoods"];
      ASSERT_GE(ours["log_likelihoods"].size(), want.size());
      double sum = 0.0;
      for (const auto& l : ours["log_likelihoods"]) sum += l.get<double>();
      if (want.size() == ours["log_likelihoods"].size()) {
        for (std::size_t i = 0; i < want.size(); ++i)
          EXPECT_NEAR(ours["log_likelihoods"][i].get<double>(), want[i].get<double>(), kNear) << i;
      } else {  // a whole text: the harness adds its windows up
        EXPECT_NEAR(sum, want[0].get<double>(), kNear);
      }
      if (theirs.contains("greedy")) {
        EXPECT_EQ(ours["greedy"], theirs["greedy"]);
      }
    }
    for (const auto& [metric, value] : theirs.items()) {
      if (metric == "doc_id" || metric == "answer" || metric == "greedy" || metric == "log_likelihoods")
        continue;
      std::string name = metric;
      if (metric == "exact_match,strict-match") name = "exact_match_strict";
      if (metric == "exact_match,flexible-extract") name = "exact_match_flexible";
      if (name.starts_with("exact_match,") && !ours.contains(name)) name = "exact_match";
      ASSERT_TRUE(ours.contains(name)) << metric;
      EXPECT_NEAR(ours[name].get<double>(), value.get<double>(), 1e-4) << metric;
    }
  }

  static OrderedJson scores_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  fs::path quill_ = fs::path(test::source_dir()) / "examples/models/quill";
  Model model_ = Model::load(ctx_, quill_);
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::load(quill_);
};

OrderedJson HarnessGolden::scores_;

TEST_F(HarnessGolden, EveryDocumentScoresTheSame) {
  for (const OrderedJson& golden : scores_["runs"]) {
    const std::string what = golden["task"].get<std::string>() + ", shots " + golden["shots"].dump() +
                             ", length " + golden["max_length"].dump();
    SCOPED_TRACE(what);
    run(golden);
    EXPECT_EQ(samples_.size(), golden["documents"].size());
    EXPECT_TRUE(plain_.contains(quoted_metric(task_named(golden["task"]))));
    for (const auto& [task, documents] : golden["documents"].items()) {
      ASSERT_EQ(samples_[task].size(), documents.size()) << task;
      for (std::size_t i = 0; i < documents.size(); ++i)
        expect_document(task + " " + std::to_string(i), samples_[task][i], documents[i]);
    }
    // Means, standard errors, groups: by the harness's own names.
    for (const auto& [task, metrics] : golden["results"].items()) {
      ASSERT_TRUE(results_.contains(task)) << task;
      for (const auto& [metric, value] : metrics.items()) {
        std::string name = metric;
        if (!results_[task].contains(name)) name = metric.substr(0, metric.find(',')) + ",none";
        ASSERT_TRUE(results_[task].contains(name)) << task << " " << metric;
        if (!results_[task][name].is_number()) continue;  // an error that the harness draws at random
        const double want = value.get<double>();
        EXPECT_NEAR(results_[task][name].get<double>(), want, 1e-4 * std::max(1.0, std::abs(want)))
            << task << " " << metric;
      }
    }
    if (golden["max_length"] == 100) {
      EXPECT_GT(plain_["truncated"].get<int>(), 0);
    }
  }
}

TEST_F(HarnessGolden, EveryTaskIsAmongThem) {
  std::vector<std::string> seen;
  for (const OrderedJson& golden : scores_["runs"]) seen.push_back(golden["task"]);
  for (const Task& task : all_tasks())
    EXPECT_NE(std::find(seen.begin(), seen.end(), task.name), seen.end()) << task.name;
}

}  // namespace
}  // namespace lq
