#include "decompose/decompose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "base/error.h"
#include "decompose_fixture.h"
#include "linalg/small_dense.h"

namespace lq {
namespace {

using testing_support::Errors;
using testing_support::errors_from_packed;
using testing_support::Workbench;

constexpr DecomposeMethod kAll[] = {DecomposeMethod::kLq, DecomposeMethod::kLoftq, DecomposeMethod::kLorc,
                                    DecomposeMethod::kQlora};

// Products in f32 of factors whose size is that of W: the error's own relative precision is eps ||W|| /
// ||error||.
void expect_reported(const Errors& measured, const Decomposition& d, const std::string& what) {
  EXPECT_NEAR(d.relative_error, measured.relative, 2e-5 * measured.relative + 1e-6) << what;
  EXPECT_NEAR(d.relative_weighted_error, measured.weighted, 2e-5 * measured.weighted + 1e-6) << what;
}

class DecomposeShapes : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(DecomposeShapes, ReportsTheErrorOfWhatIsPacked) {
  const auto [m, n, r] = GetParam();
  const std::vector<float> w = reference::weight_like_matrix(m, n, std::min({m, n, 5}), 1);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const Importance uneven = testing_support::uneven_weighting(m, n);
  const Importance none;
  const Importance input = Importance::kronecker(nullptr, testing_support::correlated_factor(n, 1));
  const Importance kfac = Importance::kronecker(testing_support::correlated_factor(m, 2),
                                                testing_support::correlated_factor(n, 1));
  for (const DecomposeMethod method : kAll) {
    for (const Importance* importance : {&none, &uneven, &input, &kfac}) {
      Workbench run;
      const Decomposition d = decompose(run.context, w.data(), m, n, quantizer,
                                        {.method = method, .rank = r, .importance = importance});
      expect_reported(errors_from_packed(run, w, m, n, quantizer, d, *importance), d,
                      std::string(decompose_method_name(method)));
      EXPECT_EQ(static_cast<std::size_t>(d.iterations), d.trace.size());
      if (importance->plain()) {
        EXPECT_EQ(d.relative_error, d.relative_weighted_error);
      }
    }
  }
}

TEST(Decompose, FactorsAreRoundedToTheirStorageTypeBeforeErrorsAreMeasured) {
  const std::int64_t m = 96;
  const std::int64_t n = 160;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 5, 1);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const Importance kfac = Importance::kronecker(testing_support::correlated_factor(m, 2),
                                                testing_support::correlated_factor(n, 1));
  for (const Importance& importance : {Importance(), kfac}) {
    Workbench run;
    DecomposeOptions options{.rank = 8, .importance = &importance};
    const Decomposition wide = decompose(run.context, w.data(), m, n, quantizer, options);
    options.factors = DType::kBf16;
    const Decomposition narrow = decompose(run.context, w.data(), m, n, quantizer, options);
    for (const Tensor* factor : {&narrow.l1, &narrow.l2}) {
      for (std::int64_t i = 0; i < factor->numel(); ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(factor->data<float>()[i]) & 0xffffU, 0U);
      }
    }
    expect_reported(errors_from_packed(run, w, m, n, quantizer, narrow, importance), narrow, "bf16");
    // Rounding adds at most 2^-8 of the factors' product to the error, entry by entry.
    EXPECT_NEAR(narrow.relative_error, wide.relative_error, 1.0 / 256.0);
    EXPECT_NE(narrow.relative_error, wide.relative_error);
    options.factors = DType::kF16;
    EXPECT_THROW(decompose(run.context, w.data(), m, n, quantizer, options), Error);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DecomposeShapes,
                         testing::Values(std::tuple{96, 160, 8}, std::tuple{161, 65, 12},
                                         std::tuple{1, 200, 1}, std::tuple{200, 1, 1}, std::tuple{24, 40, 24},
                                         std::tuple{40, 24, 24}, std::tuple{33, 47, 0}, std::tuple{1, 1, 1}));

TEST(Decompose, NeverEndsAboveTheBestOfItsTrace) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const double relaxation : {0.0, 1.2}) {
      Workbench run;
      const std::vector<float> w = reference::weight_like_matrix(128, 192, 6, 2);
      const Decomposition d =
          decompose(run.context, w.data(), 128, 192, CodebookQuantizer(uniform_codebook_config(bits)),
                    {.rank = 16, .relaxation = relaxation});
      // The trace is a difference of squares in f32: good to eps ||W||^2 / error^2.
      const double best = *std::min_element(d.trace.begin(), d.trace.end());
      EXPECT_LE(d.relative_error, best + 1e-6 / best) << bits;
    }
  }
}

TEST(Decompose, RefitNeverRaisesTheErrorOfTheFactorsThatChoseQ) {
  for (const double relaxation : {0.0, 1.2}) {
    Workbench run;
    const std::int64_t m = 100;
    const std::int64_t n = 150;
    const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 3);
    const CodebookQuantizer quantizer(uniform_codebook_config(2));
    const Decomposition d =
        decompose(run.context, w.data(), m, n, quantizer, {.rank = 10, .relaxation = relaxation});
    std::vector<float> target(w.size());
    decomposition_target(run.context, w.data(), m, n, d, target.data());
    std::vector<float> q(w.size());
    quantizer.round_trip(run.pool, target.data(), m, n, q.data());
    const reference::Dense left =
        reference::difference(reference::Dense(m, n, target.data()), reference::Dense(m, n, q.data()));
    EXPECT_LE(d.relative_error,
              reference::norm(left) / reference::norm(reference::Dense(m, n, w.data())) * (1 + 1e-6));
  }
}

TEST(Decompose, EachMethodIsAtLeastAsGoodAsTheSimplerOne) {
  for (const int bits : {2, 3, 4}) {
    const std::vector<float> w = reference::weight_like_matrix(160, 128, 6, 4);
    const CodebookQuantizer quantizer(uniform_codebook_config(bits));
    double errors[4];
    for (std::size_t i = 0; i < 4; ++i) {
      Workbench run;
      errors[i] = decompose(run.context, w.data(), 160, 128, quantizer, {.method = kAll[i], .rank = 16})
                      .relative_error;
    }
    EXPECT_LT(errors[0], errors[1]) << "lq, loftq at " << bits << " bits";
    EXPECT_LT(errors[1], errors[2]) << "loftq, lorc at " << bits << " bits";
    EXPECT_LT(errors[2], errors[3]) << "lorc, qlora at " << bits << " bits";
  }
}

TEST(Decompose, OptimizingAWeightedNormLowersItThere) {
  const std::vector<float> w = reference::weight_like_matrix(150, 130, 6, 5);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const Importance importance = testing_support::uneven_weighting(150, 130);
  Workbench run;
  const Decomposition plain = decompose(run.context, w.data(), 150, 130, quantizer, {.rank = 12});
  const Decomposition weighted =
      decompose(run.context, w.data(), 150, 130, quantizer, {.rank = 12, .importance = &importance});
  const Errors of_plain = errors_from_packed(run, w, 150, 130, quantizer, plain, importance);
  EXPECT_LT(weighted.relative_weighted_error, of_plain.weighted);
  EXPECT_GT(weighted.relative_error, plain.relative_error);
}

// For fixed Q = quantize(W), the correction is the provably best one: T^-T SVD_r(T^T (W - Q) S) S^-1.
TEST(Decompose, FullWeightingGivesTheBestCorrectionOfItsRank) {
  const std::int64_t m = 60;
  const std::int64_t n = 90;
  const std::int64_t r = 8;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 12);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const auto left = testing_support::correlated_factor(m, 3);
  const auto right = testing_support::correlated_factor(n, 4);
  for (const Importance& importance :
       {Importance::kronecker(nullptr, right), Importance::kronecker(left, nullptr),
        Importance::kronecker(left, right)}) {
    Workbench run;
    const Decomposition d =
        decompose(run.context, w.data(), m, n, quantizer,
                  {.method = DecomposeMethod::kLorc, .rank = r, .importance = &importance});
    std::vector<float> q(w.size());
    quantizer.round_trip_weighted(run.pool, w.data(), m, n, q.data(), importance.error_weights());
    const reference::Dense dense(m, n, w.data());
    const reference::Dense e =
        testing_support::weigh(reference::difference(dense, reference::Dense(m, n, q.data())), importance);
    const Svd full = svd(m, n, e.v.data());
    double tail = 0.0;
    for (std::size_t k = static_cast<std::size_t>(r); k < full.s.size(); ++k) tail += full.s[k] * full.s[k];
    const double least = std::sqrt(tail) / reference::norm(testing_support::weigh(dense, importance));
    EXPECT_GE(d.relative_weighted_error, least * (1 - 1e-4));
    EXPECT_LE(d.relative_weighted_error, least * 1.01);

    // And the alternation ends below it, and below the same alternation in the plain norm.
    const Decomposition lq =
        decompose(run.context, w.data(), m, n, quantizer, {.rank = r, .importance = &importance});
    EXPECT_LT(lq.relative_weighted_error, d.relative_weighted_error);
    const Decomposition plain = decompose(run.context, w.data(), m, n, quantizer, {.rank = r});
    EXPECT_LT(lq.relative_weighted_error,
              errors_from_packed(run, w, m, n, quantizer, plain, importance).weighted);
  }
}

TEST(Decompose, RelaxationEndsLowerThanPlainAlternation) {
  const std::vector<float> w = reference::weight_like_matrix(256, 256, 10, 6);
  const CodebookQuantizer quantizer(uniform_codebook_config(4));
  Workbench run;
  const double plain =
      decompose(run.context, w.data(), 256, 256, quantizer, {.rank = 32, .relaxation = 0.0}).relative_error;
  EXPECT_LT(decompose(run.context, w.data(), 256, 256, quantizer, {.rank = 32}).relative_error, plain);
}

TEST(Decompose, ZeroAndConstantMatricesAreExact) {
  for (const DecomposeMethod method : kAll) {
    for (const float value : {0.0F, 0.25F}) {
      Workbench run;
      const std::vector<float> w(70 * 50, value);
      const Decomposition d =
          decompose(run.context, w.data(), 70, 50, CodebookQuantizer(uniform_codebook_config(4)),
                    {.method = method, .rank = 3});
      EXPECT_LE(d.relative_error, 1e-5) << decompose_method_name(method) << ' ' << value;
      EXPECT_NEAR(d.squared_norm, 3500.0 * static_cast<double>(value) * static_cast<double>(value), 1e-6);
      for (std::int64_t i = 0; i < d.l1.numel(); ++i) ASSERT_TRUE(std::isfinite(d.l1.data<float>()[i]));
      for (std::int64_t i = 0; i < d.l2.numel(); ++i) ASSERT_TRUE(std::isfinite(d.l2.data<float>()[i]));
    }
  }
}

TEST(Decompose, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> w = reference::weight_like_matrix(300, 520, 6, 7);
  const Importance importance = testing_support::uneven_weighting(300, 520);
  std::vector<std::vector<float>> bits;
  for (const int threads : {1, 2, 7}) {
    Workbench run(threads);
    const Decomposition d =
        decompose(run.context, w.data(), 300, 520, CodebookQuantizer(uniform_codebook_config(3)),
                  {.rank = 16, .max_iterations = 6, .importance = &importance});
    std::vector<float> all(d.l1.data<float>(), d.l1.data<float>() + d.l1.numel());
    all.insert(all.end(), d.l2.data<float>(), d.l2.data<float>() + d.l2.numel());
    all.insert(all.end(), d.target_l2.data<float>(), d.target_l2.data<float>() + d.target_l2.numel());
    all.push_back(static_cast<float>(d.relative_weighted_error));
    bits.push_back(all);
  }
  EXPECT_EQ(bits[0], bits[1]);
  EXPECT_EQ(bits[0], bits[2]);
}

TEST(Decompose, TargetMayReplaceTheMatrix) {
  const std::vector<float> w = reference::weight_like_matrix(140, 530, 5, 8);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  Workbench run;
  const Decomposition d =
      decompose(run.context, w.data(), 140, 530, quantizer, {.rank = 6, .max_iterations = 3});
  std::vector<float> apart(w.size());
  decomposition_target(run.context, w.data(), 140, 530, d, apart.data());
  std::vector<float> in_place = w;
  decomposition_target(run.context, in_place.data(), 140, 530, d, in_place.data());
  EXPECT_EQ(apart, in_place);
}

TEST(Decompose, StopsAtTheAskedErrorAndIterations) {
  const std::vector<float> w = reference::weight_like_matrix(128, 128, 6, 9);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  Workbench run;
  const Decomposition full = decompose(run.context, w.data(), 128, 128, quantizer, {.rank = 16});
  ASSERT_GT(full.iterations, 4);
  const double middle = full.trace[2] * (1 + 1e-9);
  const Decomposition early =
      decompose(run.context, w.data(), 128, 128, quantizer, {.rank = 16, .target_error = middle});
  EXPECT_EQ(early.iterations, 3);
  EXPECT_LE(early.relative_error, middle * (1 + 1e-5));
  EXPECT_EQ(
      decompose(run.context, w.data(), 128, 128, quantizer, {.rank = 16, .max_iterations = 2}).iterations, 2);
  EXPECT_EQ(
      decompose(run.context, w.data(), 128, 128, quantizer, {.method = DecomposeMethod::kLoftq, .rank = 16})
          .iterations,
      5);
}

TEST(Decompose, RefusesRanksLargerThanTheMatrix) {
  Workbench run;
  const std::vector<float> w(12, 1.0F);
  try {
    decompose(run.context, w.data(), 3, 4, CodebookQuantizer(uniform_codebook_config(4)), {.rank = 64});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(e.what(), "rank 64 is impossible for a 3 x 4 matrix, which allows 0 to 3");
  }
}

TEST(Decompose, RefusesWeightsOfAnotherShape) {
  Workbench run;
  const std::vector<float> w(12, 1.0F);
  const Importance importance = testing_support::uneven_weighting(4, 3);
  try {
    decompose(run.context, w.data(), 3, 4, CodebookQuantizer(uniform_codebook_config(4)),
              {.rank = 1, .importance = &importance});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
  }
}

TEST(Decompose, StopsWhenAsked) {
  Workbench run;
  const std::atomic<bool> stop = true;
  run.context.stop = StopToken(&stop);
  const std::vector<float> w = reference::normal_matrix(64, 64, 10);
  for (const std::int64_t rank : {0, 4}) {
    try {
      decompose(run.context, w.data(), 64, 64, CodebookQuantizer(uniform_codebook_config(4)), {.rank = rank});
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInterrupted);
    }
  }
}

TEST(Decompose, MethodsHaveNames) {
  for (const DecomposeMethod method : kAll) {
    EXPECT_EQ(parse_decompose_method(decompose_method_name(method)), method);
  }
  EXPECT_THROW(parse_decompose_method("lqlora"), Error);
  const auto json = decompose_options_to_json({.method = DecomposeMethod::kLoftq, .rank = 7});
  EXPECT_EQ(json.at("method"), "loftq");
  EXPECT_EQ(json.at("rank"), 7);
  EXPECT_NE(decompose_options_to_json({.relaxation = 0.5}), decompose_options_to_json({}));
}

}  // namespace
}  // namespace lq
