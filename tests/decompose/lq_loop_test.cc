#include "decompose/lq_loop.h"

#include <gtest/gtest.h>

#include "decompose/host_alternation.h"
#include "decompose_fixture.h"
#include "linalg/small_dense.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Workbench;

TEST(LqLoop, TraceIsTheErrorOfTheBestFactorsForItsQ) {
  const std::int64_t m = 80;
  const std::int64_t n = 60;
  const std::int64_t r = 8;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 3, 1);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const Importance none;
  for (const bool start_from_svd : {true, false}) {
    for (int iterations = 1; iterations <= 4; ++iterations) {
      Workbench run;
      HostAlternation a(run.context, w.data(), m, n, quantizer, none);
      a.start();
      a.seek(r, 10, 0);
      const LqLoopResult result =
          lq_loop(run.context.stop, a,
                  {.max_iterations = iterations, .start_from_svd = start_from_svd, .keep_best = false});
      EXPECT_EQ(result.iterations, iterations);
      EXPECT_EQ(result.target.rank, iterations == 1 && !start_from_svd ? 0 : r);
      // The optimum of Eckart and Young for W - quantize(W - target), from a full SVD.
      std::vector<float> q(w.size());
      subtract_product(run.pool, m, n, w.data(), result.target.rank, result.target.l1.data<float>(),
                       result.target.l2.data<float>(), q.data());
      quantizer.round_trip(run.pool, q.data(), m, n, q.data());
      const Dense e = reference::difference(Dense(m, n, w.data()), Dense(m, n, q.data()));
      const Svd full = svd(m, n, e.v.data());
      double left = 0.0;
      for (std::size_t k = static_cast<std::size_t>(r); k < full.s.size(); ++k) left += full.s[k] * full.s[k];
      const double optimum = std::sqrt(left) / reference::norm(Dense(m, n, w.data()));
      // One warm pass an iteration: near the optimum, never below it.
      EXPECT_GE(result.trace.back(), optimum * (1 - 1e-4));
      EXPECT_LE(result.trace.back(), optimum * 1.02);
    }
  }
}

TEST(LqLoop, KeepsTheBestIterate) {
  const std::int64_t m = 96;
  const std::int64_t n = 96;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 2, 2);
  const CodebookQuantizer quantizer(uniform_codebook_config(2));
  const Importance none;
  Workbench run;
  HostAlternation a(run.context, w.data(), m, n, quantizer, none);
  a.start();
  a.seek(24, 10, 0);
  // A step so long that the error rises.
  const LqLoopResult result = lq_loop(run.context.stop, a, {.max_iterations = 12, .relaxation = 3.0});
  const double best = *std::min_element(result.trace.begin(), result.trace.end());
  ASSERT_LT(best, result.trace.back());
  a.quantize(result.target);
  a.track(4);
  const double error = std::sqrt((a.weighted() - a.captured()) / a.weighted_w());
  EXPECT_NEAR(error, best, 0.01 * best);
}

}  // namespace
}  // namespace lq
