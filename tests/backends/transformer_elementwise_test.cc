// Elementwise loops against the same formulas in double, over lengths that leave every remainder of a vector.
#include "backends/cpu/transformer_elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

const std::vector<std::size_t> kLengths = {0, 1, 3, 7, 8, 15, 16, 31, 33, 100, 257};

TEST(TransformerElementwise, SumsAndMultiples) {
  for (const std::size_t n : kLengths) {
    const auto x = normals(n, 1);
    const auto was = normals(n, 2);
    auto y = was;
    add_to(static_cast<std::int64_t>(n), x.data(), y.data());
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(y[i], was[i] + x[i]) << n;
    y = was;
    scale_by(static_cast<std::int64_t>(n), -0.37F, y.data());
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(y[i], -0.37F * was[i]) << n;
  }
}

double silu(double v) { return v / (1.0 + std::exp(-v)); }

double silu_slope(double v) {
  const double s = 1.0 / (1.0 + std::exp(-v));
  return s * (1.0 + v * (1.0 - s));
}

TEST(TransformerElementwise, SwiGluForwardAndItsGradients) {
  for (const std::size_t n : kLengths) {
    if (n == 0) continue;
    auto gate = normals(n, 1, 3.0F);
    gate[0] = n % 2 == 0 ? 200.0F : -200.0F;  // where exp runs over
    const auto up = normals(n, 2);
    const auto dout = normals(n, 3);
    const auto count = static_cast<std::int64_t>(n);
    std::vector<float> out(n);
    std::vector<float> dgate(n);
    std::vector<float> dup(n);
    silu_mul_forward(count, gate.data(), up.data(), out.data());
    silu_mul_backward(count, gate.data(), up.data(), dout.data(), dgate.data(), dup.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double g = gate[i];
      const double want = silu(g) * up[i];
      EXPECT_NEAR(out[i], want, 1e-6 * std::abs(want) + 1e-30) << g;
      // Near its zero at -1.28 the slope is a difference: 1e-6 of its terms.
      EXPECT_NEAR(dgate[i], silu_slope(g) * up[i] * dout[i], 2e-6 * std::abs(double{up[i]} * dout[i])) << g;
      EXPECT_NEAR(dup[i], silu(g) * dout[i], 1e-6 * std::abs(silu(g) * dout[i]) + 1e-30) << g;
    }
    auto in_place = gate;
    silu_mul_forward(count, in_place.data(), up.data(), in_place.data());
    EXPECT_EQ(in_place, out);
  }
}

TEST(TransformerElementwise, RopeTurnsThereAndBack) {
  constexpr std::int64_t kTokens = 3, kHeads = 2;
  for (const std::int64_t half : {1, 4, 5, 32, 40}) {
    const std::int64_t stride = kHeads * 2 * half + 3;  // other values lie between tokens
    const auto x = normals(static_cast<std::size_t>(kTokens * stride), 1);
    std::vector<float> cosines;
    std::vector<float> sines;
    for (const float angle : normals(static_cast<std::size_t>(kTokens * half), 2, 2.0F)) {
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
    auto y = x;
    rope_rotate(kTokens, kHeads, 2 * half, half, cosines.data(), sines.data(), false, y.data(), stride);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      for (std::int64_t h = 0; h < kHeads; ++h) {
        for (std::int64_t k = 0; k < half; ++k) {
          const auto a = static_cast<std::size_t>(t * stride + h * 2 * half + k);
          const auto b = a + static_cast<std::size_t>(half);
          const auto angle = static_cast<std::size_t>(t * half + k);
          EXPECT_NEAR(y[a], double{x[a]} * cosines[angle] - double{x[b]} * sines[angle], 1e-6);
          EXPECT_NEAR(y[b], double{x[b]} * cosines[angle] + double{x[a]} * sines[angle], 1e-6);
        }
      }
      for (std::int64_t k = kHeads * 2 * half; k < stride; ++k) {
        const auto e = static_cast<std::size_t>(t * stride + k);
        EXPECT_EQ(y[e], x[e]);
      }
    }
    rope_rotate(kTokens, kHeads, 2 * half, half, cosines.data(), sines.data(), true, y.data(), stride);
    EXPECT_LT(reference::relative_difference(y, x), 1e-6);
  }
}

TEST(TransformerElementwise, HalvesWidenExactlyFromAnyAddress) {
  auto values = normals(103, 1);
  values[5] = std::numeric_limits<float>::infinity();
  values[6] = 0.0F;
  values[7] = -1e-7F;  // no normal number in f16
  std::vector<std::uint8_t> bytes(2 * values.size() + 1);
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bf16 b = to_bf16(values[i]);
    std::memcpy(bytes.data() + 1 + 2 * i, &b, 2);
  }
  widen_bf16(std::ssize(values), bytes.data() + 1, out.data());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(out[i], to_float(to_bf16(values[i])));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const f16 h = to_f16(values[i]);
    std::memcpy(bytes.data() + 1 + 2 * i, &h, 2);
  }
  widen_f16(std::ssize(values), bytes.data() + 1, out.data());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(out[i], to_float(to_f16(values[i])));
}

}  // namespace
}  // namespace lq::backends
