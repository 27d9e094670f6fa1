#include "decompose/device_factor.h"

#include "device_fixture.h"

namespace lq {
namespace {

using DeviceFactorDevice = testing_support::DeviceTest;

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double off = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off += std::pow(double{a[i]} - double{b[i]}, 2);
    size += std::pow(double{b[i]}, 2);
  }
  return std::sqrt(off / size);
}

// Below a block, at its edge, and over several, the last one short; more than one panel of a product.
TEST_F(DeviceFactorDevice, MultipliesAndSolvesAsTheProcessor) {
  for (const std::int64_t n : {5, 128, 300, 600}) {
    const auto factor = testing_support::correlated_factor(n, 3);
    const DeviceFactor there(there_, *factor);
    const std::int64_t m = 9;
    std::vector<float> wide = reference::normal_matrix(m, n, 1);
    std::vector<float> tall = reference::normal_matrix(n, m, 2);
    std::vector<float> want(wide.size());
    Tensor out = moved(wide, m);

    Tensor a = moved(wide, m);
    factor->multiply_right(run_.pool, m, wide.data(), want.data());
    there.multiply_right(m, a.data<float>(), out.mutable_data<float>());
    EXPECT_LE(distance(values_of(out), want), 1e-6) << n;

    Tensor b = moved(tall, n);
    factor->multiply_transposed_left(run_.pool, m, tall.data(), want.data());
    there.multiply_transposed_left(m, b.data<float>(), out.mutable_data<float>());
    EXPECT_LE(distance(values_of(out), want), 1e-6) << n;

    factor->solve_right(run_.pool, m, wide.data());
    there.solve_right(m, a.mutable_data<float>(), out.mutable_data<float>());
    EXPECT_LE(distance(values_of(a), wide), 1e-5) << n;
    factor->solve_transposed_left(run_.pool, m, tall.data());
    there.solve_transposed_left(m, b.mutable_data<float>(), out.mutable_data<float>());
    EXPECT_LE(distance(values_of(b), tall), 1e-5) << n;
  }
  EXPECT_EQ(DeviceFactor::bytes(129), 4 * (129 * 129 + 2 * 128 * 128));
}

}  // namespace
}  // namespace lq
