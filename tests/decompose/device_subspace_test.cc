#include "decompose/device_subspace.h"

#include "base/error.h"
#include "device_fixture.h"
#include "linalg/subspace_tracker.h"

namespace lq {
namespace {

using reference::Dense;
using DeviceSubspaceDevice = testing_support::DeviceTest;

TEST_F(DeviceSubspaceDevice, FollowsAsTheProcessorDoes) {
  struct Shape {
    std::int64_t m, n, r;
  };
  for (const Shape& shape :
       {Shape{60, 83, 6}, Shape{83, 60, 6}, Shape{9, 40, 9}, Shape{40, 1, 1}, Shape{131, 600, 20}}) {
    const std::int64_t m = shape.m;
    const std::int64_t n = shape.n;
    const std::int64_t r = shape.r;
    const std::vector<float> a = reference::weight_like_matrix(m, n, std::min<std::int64_t>({m, n, 3}), 1);
    const Tensor there = moved(a, m);
    DeviceSubspace have(there_, m, n, r, 10, 4);
    SubspaceTracker want(run_.pool, m, n, r, 10, there_.seed, 4);
    for (int pass = 1; pass <= 3; ++pass) {
      have.pass(there.data<float>());
      want.pass(run_.pool, a.data());
      EXPECT_NEAR(have.captured(), want.captured(), 1e-5 * want.captured()) << m << " " << n << " " << pass;
    }
    const std::vector<float> u = values_of(have.u());
    EXPECT_LE(reference::orthonormality_defect(Dense(m, r, u.data())), 1e-5);
    const std::vector<float> b = values_of(have.basis());
    const auto approximation = [&](const float* left, const float* right) {
      return reference::product(Dense(m, r, left), Dense(r, n, right));
    };
    const Dense expected = approximation(want.u().data(), want.basis().data());
    EXPECT_LE(reference::norm(reference::difference(approximation(u.data(), b.data()), expected)),
              1e-3 * reference::norm(expected));
    for (std::int64_t k = 0; k < r; ++k) {
      EXPECT_NEAR(have.squares()[static_cast<std::size_t>(k)],
                  std::pow(reference::norm(Dense(1, n, b.data() + k * n)), 2), 1e-4 * have.squares()[0]);
    }
  }
}

// Fewer directions than are carried, or none: columns that hang together are the processor's to set right.
TEST_F(DeviceSubspaceDevice, SurvivesZeroAndLowRank) {
  const std::int64_t m = 30;
  const std::int64_t n = 50;
  const std::vector<float> zero(static_cast<std::size_t>(m * n), 0.0F);
  const Tensor nothing = moved(zero, m);
  DeviceSubspace s(there_, m, n, 5, 10, 0);
  s.pass(nothing.data<float>());
  EXPECT_EQ(s.captured(), 0.0);
  const std::vector<float> left = reference::normal_matrix(m, 1, 1);
  const std::vector<float> right = reference::normal_matrix(1, n, 2);
  const Dense one = reference::product(Dense(m, 1, left.data()), Dense(1, n, right.data()));
  const Tensor thin = moved({one.v.begin(), one.v.end()}, m);
  s.pass(thin.data<float>());
  s.pass(thin.data<float>());
  EXPECT_NEAR(s.captured(), std::pow(reference::norm(one), 2), 1e-5 * std::pow(reference::norm(one), 2));
  EXPECT_THROW(DeviceSubspace(there_, 3, 4, 4, 10, 0), Error);
  EXPECT_GT(DeviceSubspace::bytes(4096, 4096, 64, 10), 4 * 4096 * 74 * 4);
}

}  // namespace
}  // namespace lq
