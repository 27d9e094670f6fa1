#include "backends/cpu/dense_residual.h"

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

#include "reference/dense_matrix.h"

namespace lq::backends {
namespace {

class DenseResidualTest : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(DenseResidualTest, EqualsPlainLoops) {
  const auto [m, n] = GetParam();
  const std::vector<float> w = reference::normal_matrix(m, n, 1);
  const std::vector<float> q = reference::normal_matrix(m, n, 2);
  std::vector<float> rows = reference::normal_matrix(m, 1, 3);
  std::vector<float> cols = reference::normal_matrix(1, n, 4);
  for (int given = 0; given < 8; ++given) {
    const float* rs = (given & 1) != 0 ? rows.data() : nullptr;
    const float* cs = (given & 2) != 0 ? cols.data() : nullptr;
    const float* qs = (given & 4) != 0 ? q.data() : nullptr;
    std::vector<std::vector<float>> outs;
    std::vector<ResidualNorms> norms;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      outs.emplace_back(w.size());
      norms.push_back(residual(pool, m, n, w.data(), qs, rs, cs, outs.back().data()));
    }
    double squared = 0.0;
    double weighted = 0.0;
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        const std::size_t at = static_cast<std::size_t>(i) * n + j;
        const double e = static_cast<double>(w[at]) - (qs == nullptr ? 0.0 : static_cast<double>(q[at]));
        const double scale = (rs == nullptr ? 1.0 : static_cast<double>(rs[i])) *
                             (cs == nullptr ? 1.0 : static_cast<double>(cs[j]));
        squared += e * e;
        weighted += scale * scale * e * e;
        // Three rounded operations; the difference itself rounds at the size of its terms.
        const double bound = 4.0 * std::numeric_limits<float>::epsilon() * std::abs(scale) *
                             (std::abs(static_cast<double>(w[at])) + std::abs(static_cast<double>(q[at])));
        ASSERT_NEAR(static_cast<double>(outs[0][at]), scale * e, bound);
      }
    }
    // f32 sums of at most 1,024 terms.
    EXPECT_NEAR(norms[0].squared, squared, 1e-5 * squared);
    EXPECT_NEAR(norms[0].weighted, weighted, 1e-5 * weighted);
    for (const std::size_t other : {1, 2}) {
      EXPECT_EQ(outs[0], outs[other]);
      EXPECT_EQ(norms[0].squared, norms[other].squared);
      EXPECT_EQ(norms[0].weighted, norms[other].weighted);
    }
  }
}

TEST_P(DenseResidualTest, WorksInPlaceAndWithoutOutput) {
  const auto [m, n] = GetParam();
  const std::vector<float> w = reference::normal_matrix(m, n, 1);
  std::vector<float> q = reference::normal_matrix(m, n, 2);
  ThreadPool pool(2);
  std::vector<float> out(w.size());
  const ResidualNorms apart = residual(pool, m, n, w.data(), q.data(), nullptr, nullptr, out.data());
  EXPECT_EQ(residual(pool, m, n, w.data(), q.data(), nullptr, nullptr, nullptr).squared, apart.squared);
  residual(pool, m, n, w.data(), q.data(), nullptr, nullptr, q.data());
  EXPECT_EQ(q, out);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DenseResidualTest,
                         testing::Values(std::tuple{1, 1}, std::tuple{3, 15}, std::tuple{5, 16},
                                         std::tuple{2, 17}, std::tuple{9, 1023}, std::tuple{33, 1025},
                                         std::tuple{2, 4096}));

}  // namespace
}  // namespace lq::backends
