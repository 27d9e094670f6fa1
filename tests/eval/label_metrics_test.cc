// Against scikit-learn and SciPy (tests/goldens/make_glue_goldens.py).
#include "eval/label_metrics.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/paths.h"

namespace lq {
namespace {

nlohmann::json metrics_golden() {
  std::ifstream in(std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "glue.json");
  return nlohmann::json::parse(in);
}

// Of sums over at most a hundred numbers in double.
constexpr double kMetricError = 1e-12;

TEST(LabelMetrics, ClassesEqualScikitLearn) {
  const auto golden = metrics_golden();
  ASSERT_GE(golden["classes"].size(), 8U);
  for (const auto& g : golden["classes"]) {
    const auto predicted = g["predicted"].get<std::vector<std::int64_t>>();
    const auto truth = g["truth"].get<std::vector<std::int64_t>>();
    EXPECT_NEAR(accuracy(predicted, truth), g["accuracy"].get<double>(), kMetricError);
    EXPECT_NEAR(f1_of_ones(predicted, truth), g["f1"].get<double>(), kMetricError);
    EXPECT_NEAR(matthews_correlation(predicted, truth), g["matthews"].get<double>(), kMetricError);
  }
}

TEST(LabelMetrics, NumbersEqualScipy) {
  const auto golden = metrics_golden();
  ASSERT_GE(golden["numbers"].size(), 4U);
  for (const auto& g : golden["numbers"]) {
    const auto x = g["x"].get<std::vector<double>>();
    const auto y = g["y"].get<std::vector<double>>();
    EXPECT_NEAR(pearson_correlation(x, y), g["pearson"].get<double>(), kMetricError);
    EXPECT_NEAR(spearman_correlation(x, y), g["spearman"].get<double>(), kMetricError);
  }
}

TEST(LabelMetrics, ConstantsCorrelateWithNothing) {
  const std::vector<double> same = {2.0, 2.0, 2.0}, rising = {1.0, 2.0, 3.0};
  EXPECT_EQ(pearson_correlation(same, rising), 0.0);
  EXPECT_EQ(spearman_correlation(rising, same), 0.0);
  EXPECT_DOUBLE_EQ(pearson_correlation(rising, rising), 1.0);
}

TEST(LabelMetrics, RefusesOtherNumbersOfPredictions) {
  const std::vector<std::int64_t> two = {0, 1}, one = {0}, none;
  EXPECT_THROW(accuracy(two, one), Error);
  EXPECT_THROW(matthews_correlation(none, none), Error);
}

}  // namespace
}  // namespace lq
