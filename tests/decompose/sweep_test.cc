#include "decompose/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "decompose_fixture.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using testing_support::Workbench;

const std::vector<QuantChoice>& all_choices() {
  static const std::vector<QuantChoice> all = FormatSet().choices(ChoiceSet::kAll);
  return all;
}

double full_error(const std::vector<float>& w, std::int64_t m, std::int64_t n, const QuantChoice& choice,
                  std::int64_t rank, const Importance* importance) {
  Workbench run;
  const Decomposition d = decompose(run.context, w.data(), m, n, *make_quantizer(choice),
                                    {.rank = rank, .importance = importance});
  return d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
}

TEST(Sweep, AgreesWithFullDecompositionsOnASample) {
  const std::int64_t m = 128;
  const std::int64_t n = 256;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 5, 1);
  const Importance uneven = testing_support::uneven_weighting(m, n);
  for (const Importance* importance : {static_cast<const Importance*>(nullptr), &uneven}) {
    Workbench run;
    const std::vector<double> errors =
        sweep_errors(run.context, w.data(), m, n, all_choices(), {.rank = 8, .importance = importance});
    ASSERT_EQ(errors.size(), 648U);
    for (std::size_t i = 5; i < errors.size(); i += 47) {
      const QuantChoice& config = all_choices()[i];
      EXPECT_LE(std::abs(std::log(errors[i] / full_error(w, m, n, config, 8, importance))), 0.1)
          << config.name();
    }
  }
}

// What feedback takes off depends on how unequal the directions of a norm are, and so on the matrix: a table
// without it would give bits to those whose errors feedback takes away for nothing.
TEST(Sweep, ErrorsWithFeedbackAreThoseOfDecompositions) {
  constexpr std::int64_t m = 96;
  constexpr std::int64_t n = 160;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 5, 1);
  const Importance kfac = Importance::kronecker(testing_support::correlated_factor(m, 2),
                                                testing_support::correlated_factor(n, 1));
  const QuantizerOptions feedback{.feedback = Feedback::kOn};
  const std::vector<QuantChoice> choices = {{"nf", "2,4,fp16,32,64"}, {"nf", "3,4,fp16,64,64"},
                                            {"nf", "3,4,fp16,32,64"}, {"nf", "4,4,fp16,64,64"},
                                            {"tcq", "2,12,64"},       {"tcq", "3,12,64"}};
  for (const std::int64_t rank : {0, 8}) {
    Workbench run;
    const SweepOptions options{.rank = rank, .quantizer = feedback, .importance = &kfac};
    const std::vector<double> errors = sweep_errors(run.context, w.data(), m, n, choices, options);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Decomposition d = decompose(run.context, w.data(), m, n, *make_quantizer(choices[i], feedback),
                                        {.rank = rank, .importance = &kfac});
      const double full = d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
      EXPECT_LE(std::abs(std::log(errors[i] / full)), choices[i].format == "tcq" ? 1e-9 : 0.3)
          << choices[i].name() << " at rank " << rank;
    }
    std::vector<QuantChoice> alone(choices.begin(), choices.begin() + 4);
    SweepOptions without = options;
    without.quantizer.feedback = Feedback::kOff;
    const std::vector<double> plain = sweep_errors(run.context, w.data(), m, n, alone, without);
    EXPECT_LT(errors[1], (rank == 0 ? 0.8 : 0.95) * plain[1]);
    EXPECT_DOUBLE_EQ(errors[1] / plain[1], errors[2] / plain[2]);  // of one width
  }
}

// Factors whose product is nearly all of W in the norm: the error is a millionth of what it is taken from.
TEST(Sweep, FollowsErrorsFarBelowTheNorm) {
  const std::int64_t m = 96;
  const std::int64_t n = 128;
  std::vector<float> w = reference::weight_like_matrix(m, n, 4, 5);
  const std::vector<float> a = reference::normal_matrix(m, 1, 7);
  const std::vector<float> b = reference::normal_matrix(1, n, 8);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      w[static_cast<std::size_t>(i * n + j)] +=
          4.0F * a[static_cast<std::size_t>(i)] * b[static_cast<std::size_t>(j)];
    }
  }
  const std::vector<QuantChoice> configs = {FormatSet().uniform(4), FormatSet().uniform(8)};
  Workbench run;
  const std::vector<double> errors = sweep_errors(run.context, w.data(), m, n, configs, {.rank = 8});
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const double full = full_error(w, m, n, configs[i], 8, nullptr);
    EXPECT_GT(full, 0.0);
    EXPECT_NEAR(errors[i], full, 0.1 * full) << configs[i].name();
  }
}

TEST(Sweep, SeveralRanksAtOnce) {
  const std::vector<float> w = reference::weight_like_matrix(96, 128, 12, 10);
  const std::vector<QuantChoice> configs(all_choices().begin() + 108, all_choices().begin() + 144);
  const std::vector<std::int64_t> ranks = {0, 4, 8, 16};
  Workbench run;
  const std::vector<double> errors =
      sweep_rank_errors(run.context, w.data(), 96, 128, configs, ranks, SweepOptions{});
  ASSERT_EQ(errors.size(), ranks.size() * configs.size());
  for (std::size_t i = 0; i < configs.size(); i += 7) {
    for (std::size_t k = 0; k < ranks.size(); ++k) {
      const double estimate = errors[k * configs.size() + i];
      const double full = full_error(w, 96, 128, configs[i], ranks[k], nullptr);
      // 0.13 is what the sweep itself errs by here, at 2-bit scales and rank 16.
      EXPECT_LE(std::abs(std::log(estimate / full)), 0.15) << ranks[k] << ' ' << configs[i].name();
      if (k > 0) {
        EXPECT_LT(estimate, errors[(k - 1) * configs.size() + i]);
      }
    }
  }
}

TEST(Sweep, InterpolationSeeksFactorsAtAFewConfigurationsAndIsCloseAtTheOthers) {
  const std::int64_t m = 128;
  const std::int64_t n = 192;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 12, 11);
  std::vector<QuantChoice> configs;
  for (const CodebookConfig& c : all_nf_configs()) {
    if (c.bits < 8 && c.scale2 == ScaleDType::kFp16 && c.block2 >= 64 && c.scale_bits <= 4)
      configs.push_back({"nf", to_string(c)});
    if (c == uniform_codebook_config(8)) configs.push_back({"nf", to_string(c)});
  }
  Workbench run;
  SweepOptions options{.rank = 8, .interpolate = true};
  const std::vector<double> errors = sweep_errors(run.context, w.data(), m, n, configs, options);
  options.interpolate = false;
  const std::vector<double> whole = sweep_errors(run.context, w.data(), m, n, configs, options);
  double squares = 0.0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const double deviation = std::log(errors[i] / whole[i]);
    // As far as the whole sweep may itself be off.
    EXPECT_LE(std::abs(deviation), 0.15) << configs[i].name();
    squares += deviation * deviation;
    equal += deviation == 0.0 ? 1U : 0U;
  }
  EXPECT_LE(std::sqrt(squares / static_cast<double>(configs.size())), 0.05);
  EXPECT_GE(equal, 10U);  // at least an anchor of each (b, B0) begins where the whole sweep begins
  EXPECT_LT(equal, configs.size());

  // Ranks together are the same as each alone.
  options.interpolate = true;
  const std::vector<double> both = sweep_rank_errors(run.context, w.data(), m, n, configs, {0, 8}, options);
  EXPECT_EQ(std::vector<double>(both.begin() + static_cast<std::ptrdiff_t>(configs.size()), both.end()),
            errors);
  options.rank = 0;
  EXPECT_EQ(sweep_errors(run.context, w.data(), m, n, configs, options),
            std::vector<double>(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(configs.size())));
  // A single configuration is its own anchor; a matrix of zeros has no errors.
  options.rank = 8;
  EXPECT_EQ(sweep_errors(run.context, w.data(), m, n, {configs[7]}, options).size(), 1U);
  const std::vector<float> zeros(static_cast<std::size_t>(m * n), 0.0F);
  for (const double error : sweep_errors(run.context, zeros.data(), m, n, configs, options)) {
    EXPECT_EQ(error, 0.0);
  }
}

TEST(Sweep, RankZeroIsQuantizationAlone) {
  const std::vector<float> w = reference::weight_like_matrix(64, 80, 5, 2);
  Workbench run;
  const std::vector<double> errors = sweep_errors(run.context, w.data(), 64, 80, all_choices(), {.rank = 0});
  for (std::size_t i = 0; i < errors.size(); ++i) {
    std::vector<float> q(w.size());
    make_quantizer(all_choices()[i])->round_trip(run.pool, w.data(), 64, 80, q.data());
    const double want = std::pow(reference::norm(reference::difference(reference::Dense(64, 80, w.data()),
                                                                       reference::Dense(64, 80, q.data()))),
                                 2);
    ASSERT_NEAR(errors[i], want, 1e-5 * want) << all_choices()[i].name();
  }
}

TEST(Sweep, OrderOfConfigurationsDoesNotMatter) {
  const std::vector<float> w = reference::weight_like_matrix(64, 96, 5, 3);
  std::vector<QuantChoice> configs(all_choices().begin() + 100, all_choices().begin() + 180);
  Workbench run;
  std::vector<double> forward = sweep_errors(run.context, w.data(), 64, 96, configs, {.rank = 4});
  std::reverse(configs.begin(), configs.end());
  const std::vector<double> backward = sweep_errors(run.context, w.data(), 64, 96, configs, {.rank = 4});
  std::reverse(forward.begin(), forward.end());
  EXPECT_EQ(forward, backward);
}

TEST(Sweep, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> w = reference::weight_like_matrix(300, 520, 5, 4);
  const std::vector<QuantChoice> configs(all_choices().begin() + 200, all_choices().begin() + 230);
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 7}) {
    Workbench run(threads);
    results.push_back(sweep_errors(run.context, w.data(), 300, 520, configs, {.rank = 8}));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Sweep, FormatsSweptTogetherAreSweptAsEachAlone) {
  const std::vector<float> w = reference::weight_like_matrix(64, 96, 5, 3);
  const std::vector<QuantChoice> nf(all_choices().begin() + 100, all_choices().begin() + 120);
  const std::vector<QuantChoice> rows = FormatSet({"int-row"}).choices(ChoiceSet::kAll);
  std::vector<QuantChoice> both = {rows[1]};
  both.insert(both.end(), nf.begin(), nf.end());
  both.insert(both.end(), {rows[0], rows[2], rows[3]});
  for (const bool interpolate : {false, true}) {
    const SweepOptions options{.rank = 4, .interpolate = interpolate};
    Workbench run;
    const std::vector<double> together = sweep_errors(run.context, w.data(), 64, 96, both, options);
    const std::vector<double> alone = sweep_errors(run.context, w.data(), 64, 96, nf, options);
    const std::vector<double> of_rows = sweep_errors(run.context, w.data(), 64, 96, rows, options);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + 1));
    EXPECT_EQ(together[0], of_rows[1]);
    EXPECT_EQ(together[21], of_rows[0]);
    EXPECT_EQ(together[23], of_rows[3]);
    EXPECT_NEAR(of_rows[2], full_error(w, 64, 96, rows[2], 4, nullptr), 0.1 * of_rows[2]);
  }
}

TEST(Sweep, RefusesRanksLargerThanTheMatrixAndTakesNoConfigurations) {
  Workbench run;
  const std::vector<float> w(12, 1.0F);
  EXPECT_THROW(sweep_errors(run.context, w.data(), 3, 4, all_choices(), {.rank = 4}), Error);
  EXPECT_TRUE(sweep_errors(run.context, w.data(), 3, 4, {}, {.rank = 1}).empty());
}

}  // namespace
}  // namespace lq
