#include "eval/harness_results.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

using Results = nlohmann::ordered_json;

TEST(HarnessResults, MetricsHaveTheHarnesssNames) {
  EXPECT_EQ(harness_metric("acc", false), "acc,none");
  EXPECT_EQ(harness_metric("acc_norm", true), "acc_norm_stderr,none");
  EXPECT_EQ(harness_metric("exact_match_strict", false), "exact_match,strict-match");
  EXPECT_EQ(harness_metric("exact_match_flexible", true), "exact_match_stderr,flexible-extract");
}

TEST(HarnessResults, ATaskWithoutGroups) {
  const Results scores = {{"acc", 0.5}, {"acc_stderr", 0.25}, {"documents", 4}, {"perplexity", 3.0},
                          {"shots", 2}, {"truncated", 1},     {"seconds", 9.0}};
  const Results r = harness_results({{"lambada", &find_task("lambada"), scores}}, {{"limit", 0}});
  EXPECT_EQ(r["results"]["lambada_openai"].dump(),
            R"({"alias":"lambada_openai","acc,none":0.5,"acc_stderr,none":0.25,"perplexity,none":3.0,)"
            R"("perplexity_stderr,none":"N/A","sample_len":4})");
  EXPECT_EQ(r["n-shot"]["lambada_openai"], 2);
  EXPECT_EQ(r["versions"]["lambada_openai"], 1.0);
  EXPECT_EQ(r["configs"]["lambada_openai"]["output_type"], "loglikelihood");
  EXPECT_EQ(r["configs"]["lambada_openai"]["truncated"], 1);
  EXPECT_EQ(r["n-samples"]["lambada_openai"], (Results{{"original", 4}, {"effective", 4}}));
  EXPECT_EQ(r["higher_is_better"]["lambada_openai"], (Results{{"acc", true}, {"perplexity", false}}));
  EXPECT_TRUE(r["groups"].empty());
  const Results limited = harness_results({{"lambada", &find_task("lambada"), scores}}, {{"limit", 4}});
  EXPECT_EQ(limited["n-samples"]["lambada_openai"], (Results{{"effective", 4}}));
}

TEST(HarnessResults, MmlusGroupsAndSubjects) {
  const Results part = {{"acc", 0.5}, {"acc_stderr", 0.1}, {"documents", 2}};
  const Results scores = {{"acc", 0.5},
                          {"documents", 2},
                          {"groups", {{"stem", part}}},
                          {"subjects", {{"anatomy", part}, {"basket_weaving", part}}},
                          {"shots", 5}};
  const Results r = harness_results({{"mmlu", &find_task("mmlu"), scores}}, Results::object());
  EXPECT_EQ(r["results"]["mmlu_anatomy"]["alias"], "  - anatomy");
  EXPECT_EQ(r["results"]["mmlu_stem"]["alias"], " - stem");
  EXPECT_EQ(r["groups"]["mmlu_stem"]["acc_stderr,none"], 0.1);
  EXPECT_EQ(r["group_subtasks"]["mmlu_stem"], Results::array({"mmlu_anatomy"}));
  EXPECT_EQ(r["group_subtasks"]["mmlu"], Results::array({"mmlu_stem", "mmlu_basket_weaving"}));
  EXPECT_EQ(r["n-shot"]["mmlu_anatomy"], 5);
  EXPECT_EQ(r["versions"]["mmlu"], 2.0);
  EXPECT_EQ(r["versions"]["mmlu_anatomy"], 1.0);
}

TEST(HarnessResults, PerplexityIsNoTaskOfTheHarness) {
  const Results r = harness_results(
      {{"perplexity", nullptr, {{"perplexity", 9.0}, {"convention", "windows of 8"}}}}, Results::object());
  EXPECT_EQ(r["results"]["perplexity"]["perplexity,none"], 9.0);
  EXPECT_EQ(r["configs"]["perplexity"]["convention"], "windows of 8");
}

}  // namespace
}  // namespace lq
