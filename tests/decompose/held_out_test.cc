#include "decompose/held_out.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Workbench;

// S S^T of a factor.
std::vector<float> moment_of(const LowerFactor& factor) {
  const Dense s(factor.size(), factor.size(), factor.values().data());
  const Dense r = reference::product(s, reference::transpose(s));
  return {r.v.begin(), r.v.end()};
}

TEST(HeldOut, IsTheReportedErrorOnTheMomentThatWasFitted) {
  const std::int64_t m = 70;
  const std::int64_t n = 90;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 1);
  const auto factor = testing_support::correlated_factor(n, 1);
  const Importance input = Importance::kronecker(nullptr, factor);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  for (const std::int64_t rank : {0, 5}) {
    Workbench run;
    const DecomposeOptions options{.rank = rank, .importance = &input};
    const Decomposition d = decompose(run.context, w.data(), m, n, quantizer, options);
    const PackedMatrix q = pack_decomposition(run.context, w.data(), m, n, d, quantizer, options);
    const double want = d.relative_weighted_error * d.relative_weighted_error;
    // f32 products of numbers whose squares are added up: good to some 1e-6 of the terms.
    EXPECT_NEAR(held_out_error(run.context, w.data(), m, n, q, d, moment_of(*factor)), want, 1e-3 * want);
  }
}

TEST(HeldOut, TellsWhichOfTwoIsBetterOnOtherInputs) {
  const std::int64_t m = 96;
  const std::int64_t n = 128;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 2);
  const auto factor = testing_support::correlated_factor(n, 1);
  const Importance full = Importance::kronecker(nullptr, factor);
  std::vector<float> scales = factor->diagonal();
  for (float& s : scales) s = std::sqrt(s);
  const Importance diagonal = Importance::diagonal({}, scales);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  Workbench run;
  const auto error = [&](const Importance& importance, const std::vector<float>& r) {
    const DecomposeOptions options{.rank = 6, .importance = &importance};
    const Decomposition d = decompose(run.context, w.data(), m, n, quantizer, options);
    const PackedMatrix q = pack_decomposition(run.context, w.data(), m, n, d, quantizer, options);
    return held_out_error(run.context, w.data(), m, n, q, d, r);
  };
  // Inputs of the same kind favour the full moment, inputs of another kind the diagonal.
  EXPECT_LT(error(full, moment_of(*factor)), error(diagonal, moment_of(*factor)));
  std::vector<float> independent(static_cast<std::size_t>(n * n), 0.0F);
  for (std::int64_t i = 0; i < n; ++i) {
    independent[static_cast<std::size_t>(i * n + i)] = factor->diagonal()[static_cast<std::size_t>(i)];
  }
  EXPECT_GT(error(full, independent), error(diagonal, independent));
}

TEST(HeldOut, NothingIsLostWhereNothingComesIn) {
  const std::vector<float> w = reference::normal_matrix(4, 6, 3);
  Workbench run;
  const CodebookQuantizer quantizer(uniform_codebook_config(4));
  const Decomposition d = decompose(run.context, w.data(), 4, 6, quantizer, {.rank = 0});
  const PackedMatrix q = pack_decomposition(run.context, w.data(), 4, 6, d, quantizer, {.rank = 0});
  EXPECT_EQ(held_out_error(run.context, w.data(), 4, 6, q, d, std::vector<float>(36, 0.0F)), 0.0);
  try {
    held_out_error(run.context, w.data(), 4, 6, q, d, std::vector<float>(16, 0.0F));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
  }
}

}  // namespace
}  // namespace lq
