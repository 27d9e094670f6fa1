#include "decompose/residual_space.h"

#include <gtest/gtest.h>

#include "decompose_fixture.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Workbench;

using testing_support::weigh;

enum class Kind { kPlain, kDiagonal, kRight, kLeft, kBoth };

Importance make_weighting(Kind kind, std::int64_t m, std::int64_t n) {
  switch (kind) {
    case Kind::kPlain:
      return {};
    case Kind::kDiagonal:
      return testing_support::uneven_weighting(m, n);
    case Kind::kRight:
      return Importance::kronecker(nullptr, testing_support::correlated_factor(n, 7));
    case Kind::kLeft:
      return Importance::kronecker(testing_support::correlated_factor(m, 8), nullptr);
    case Kind::kBoth:
      return Importance::kronecker(testing_support::correlated_factor(m, 8),
                                   testing_support::correlated_factor(n, 7));
  }
  return {};
}

class ResidualSpaceTest : public testing::TestWithParam<Kind> {};

TEST_P(ResidualSpaceTest, NormsAndFactorsEqualPlainLoops) {
  const std::int64_t m = 45;
  const std::int64_t n = 70;
  const std::int64_t r = 4;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 3, 1);
  const Importance importance = make_weighting(GetParam(), m, n);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  Workbench run;
  ResidualSpace space(run.context, w.data(), m, n, quantizer, importance);
  space.start();
  const Dense dense(m, n, w.data());
  EXPECT_NEAR(space.squared_w(), std::pow(reference::norm(dense), 2), 1e-6 * space.squared_w());
  EXPECT_NEAR(space.weighted_w(), std::pow(reference::norm(weigh(dense, importance)), 2),
              1e-6 * space.weighted_w());

  // Factors given in weighted coordinates come back as plain ones whose weighted product is the same.
  std::vector<float> u = reference::normal_matrix(m, r, 2);
  std::vector<float> b = reference::normal_matrix(r, n, 3);
  for (float& v : b) v *= 0.01F;
  const Factors f = space.to_plain(r, u.data(), b.data());
  const Dense product = reference::product(Dense(m, r, f.l1.data<float>()), Dense(r, n, f.l2.data<float>()));
  const Dense want = reference::product(Dense(m, r, u.data()), Dense(r, n, b.data()));
  EXPECT_LE(reference::norm(reference::difference(weigh(product, importance), want)),
            1e-5 * reference::norm(want));

  space.quantize(f);
  std::vector<float> target(w.size());
  subtract_product(run.pool, m, n, w.data(), r, f.l1.data<float>(), f.l2.data<float>(), target.data());
  std::vector<float> q(w.size());
  quantizer.round_trip(run.pool, target.data(), m, n, q.data());
  const Dense e = reference::difference(dense, Dense(m, n, q.data()));
  const Dense we = weigh(e, importance);
  EXPECT_NEAR(space.squared(), std::pow(reference::norm(e), 2), 1e-5 * space.squared());
  EXPECT_NEAR(space.weighted(), std::pow(reference::norm(we), 2), 1e-5 * space.weighted());
  EXPECT_LE(reference::norm(reference::difference(Dense(m, n, space.residual()), we)),
            1e-6 * reference::norm(we));

  const Dense left = reference::difference(e, product);
  const double weighted_left = std::pow(reference::norm(weigh(left, importance)), 2);
  EXPECT_NEAR(space.error_with(f), weighted_left, 1e-4 * weighted_left);
  space.subtract(f);
  EXPECT_NEAR(space.squared(), std::pow(reference::norm(left), 2), 1e-4 * space.squared());
  EXPECT_NEAR(space.weighted(), weighted_left, 1e-4 * weighted_left);
}

INSTANTIATE_TEST_SUITE_P(Importances, ResidualSpaceTest,
                         testing::Values(Kind::kPlain, Kind::kDiagonal, Kind::kRight, Kind::kLeft,
                                         Kind::kBoth));

TEST(ResidualSpace, SubtractProductEqualsPlainLoopsAcrossTiles) {
  const std::int64_t m = 131;
  const std::int64_t n = 515;
  const std::vector<float> w = reference::normal_matrix(m, n, 4);
  const std::vector<float> l1 = reference::normal_matrix(m, 3, 5);
  const std::vector<float> l2 = reference::normal_matrix(3, n, 6);
  const Dense want = reference::difference(
      Dense(m, n, w.data()), reference::product(Dense(m, 3, l1.data()), Dense(3, n, l2.data())));
  ThreadPool pool(2);
  std::vector<float> out(w.size());
  subtract_product(pool, m, n, w.data(), 3, l1.data(), l2.data(), out.data());
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(static_cast<double>(out[i]), want.v[i], 1e-5);
  subtract_product(pool, m, n, w.data(), 0, nullptr, nullptr, out.data());
  EXPECT_EQ(out, w);
}

}  // namespace
}  // namespace lq
