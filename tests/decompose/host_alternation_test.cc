#include "decompose/host_alternation.h"

#include <gtest/gtest.h>

#include "decompose_fixture.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Workbench;

Dense product_of(const Factors& f, std::int64_t m, std::int64_t n) {
  return reference::product(Dense(m, f.rank, f.l1.data<float>()), Dense(f.rank, n, f.l2.data<float>()));
}

// S + t (S - P L), with P the projection onto the columns of S: in plain loops.
TEST(HostAlternation, AdvancesBeyondTheApproximation) {
  const std::int64_t m = 50;
  const std::int64_t n = 40;
  const std::int64_t r = 5;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 3, 1);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const Importance none;
  Workbench run;
  HostAlternation a(run.context, w.data(), m, n, quantizer, none);
  EXPECT_TRUE(a.place().device.is_cpu());
  a.start();
  a.seek(r, 10, 0);
  a.track(3);
  const Factors last = a.advance({}, 0.7);
  a.quantize(a.to_plain(last));
  a.track(1);
  const Factors s = a.advance({}, 0.0);
  const Factors beyond = a.advance(last, 0.7);
  const Dense u(m, r, s.l1.data<float>());
  const Dense projected =
      reference::product(u, reference::product(reference::transpose(u), product_of(last, m, n)));
  Dense want = product_of(s, m, n);
  for (std::size_t i = 0; i < want.v.size(); ++i) want.v[i] += 0.7 * (want.v[i] - projected.v[i]);
  EXPECT_LE(reference::norm(reference::difference(product_of(beyond, m, n), want)),
            1e-5 * reference::norm(want));
  // The same product, shared evenly between both sides.
  const Factors even = a.balanced();
  EXPECT_LE(reference::norm(reference::difference(product_of(even, m, n), product_of(s, m, n))),
            1e-5 * reference::norm(want));
  EXPECT_NEAR(reference::norm(Dense(m, r, even.l1.data<float>())),
              reference::norm(Dense(r, n, even.l2.data<float>())), 1e-4 * reference::norm(want));
  EXPECT_NEAR(a.left_after_tracked(), a.weighted() - a.captured(), 1e-4 * a.weighted());
  EXPECT_NEAR(a.error_with(even), a.left_after_tracked(), 1e-4 * a.weighted());
  a.subtract(even);
  EXPECT_NEAR(a.squared(), a.weighted(), 1e-6 * a.squared_w());
}

}  // namespace
}  // namespace lq
