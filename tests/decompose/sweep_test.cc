#include "decompose/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

using testing_support::Workbench;

double full_error(const std::vector<float>& w, std::int64_t m, std::int64_t n, const NfConfig& config,
                  std::int64_t rank, const Weighting* weighting) {
  Workbench run;
  const Decomposition d =
      decompose(run.context, w.data(), m, n, NfQuantizer(config), {.rank = rank, .weighting = weighting});
  return d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
}

TEST(Sweep, AgreesWithFullDecompositionsOnASample) {
  const std::int64_t m = 128;
  const std::int64_t n = 256;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 5, 1);
  const Weighting uneven = testing_support::uneven_weighting(m, n);
  for (const Weighting* weighting : {static_cast<const Weighting*>(nullptr), &uneven}) {
    Workbench run;
    const std::vector<double> errors =
        sweep_errors(run.context, w.data(), m, n, all_nf_configs(), {.rank = 8, .weighting = weighting});
    ASSERT_EQ(errors.size(), 432U);
    // Codes of 8 bits under narrow scales converge slowly, and no two ways of going there end alike.
    double worst = 0.0;
    double worst_of_8_bits = 0.0;
    for (std::size_t i = 5; i < errors.size(); i += 31) {
      const NfConfig& config = all_nf_configs()[i];
      const double off = std::abs(std::log(errors[i] / full_error(w, m, n, config, 8, weighting)));
      double& side = config.bits == 8 && config.scale_bits < 8 ? worst_of_8_bits : worst;
      side = std::max(side, off);
    }
    EXPECT_LE(worst, 0.08);
    EXPECT_LE(worst_of_8_bits, std::log(2.0));
  }
}

TEST(Sweep, RankZeroIsQuantizationAlone) {
  const std::vector<float> w = reference::weight_like_matrix(64, 80, 5, 2);
  Workbench run;
  const std::vector<double> errors =
      sweep_errors(run.context, w.data(), 64, 80, all_nf_configs(), {.rank = 0});
  for (std::size_t i = 0; i < errors.size(); ++i) {
    std::vector<float> q(w.size());
    NfQuantizer(all_nf_configs()[i]).round_trip(run.pool, w.data(), 64, 80, q.data());
    const double want = std::pow(reference::norm(reference::difference(reference::Dense(64, 80, w.data()),
                                                                       reference::Dense(64, 80, q.data()))),
                                 2);
    ASSERT_NEAR(errors[i], want, 1e-5 * want) << to_string(all_nf_configs()[i]);
  }
}

TEST(Sweep, OrderOfConfigurationsDoesNotMatter) {
  const std::vector<float> w = reference::weight_like_matrix(64, 96, 5, 3);
  std::vector<NfConfig> configs(all_nf_configs().begin() + 100, all_nf_configs().begin() + 180);
  Workbench run;
  std::vector<double> forward = sweep_errors(run.context, w.data(), 64, 96, configs, {.rank = 4});
  std::reverse(configs.begin(), configs.end());
  const std::vector<double> backward = sweep_errors(run.context, w.data(), 64, 96, configs, {.rank = 4});
  std::reverse(forward.begin(), forward.end());
  EXPECT_EQ(forward, backward);
}

TEST(Sweep, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> w = reference::weight_like_matrix(300, 520, 5, 4);
  const std::vector<NfConfig> configs(all_nf_configs().begin() + 200, all_nf_configs().begin() + 230);
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 7}) {
    Workbench run(threads);
    results.push_back(sweep_errors(run.context, w.data(), 300, 520, configs, {.rank = 8}));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Sweep, RefusesRanksLargerThanTheMatrixAndTakesNoConfigurations) {
  Workbench run;
  const std::vector<float> w(12, 1.0F);
  EXPECT_THROW(sweep_errors(run.context, w.data(), 3, 4, all_nf_configs(), {.rank = 4}), Error);
  EXPECT_TRUE(sweep_errors(run.context, w.data(), 3, 4, {}, {.rank = 1}).empty());
}

}  // namespace
}  // namespace lq
