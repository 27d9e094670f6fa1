// The clamped gate against its formula in double, over lengths that leave every remainder of a vector; what
// lies past the end stays as it was.
#include "backends/cpu/transformer_clamped_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends {
namespace {

constexpr GateClamp kCut{.alpha = 1.702F, .limit = 1.5F};
constexpr float kPastTheEnd = -77.0F;

double share_of(double g) { return 1.0 / (1.0 + std::exp(-double{kCut.alpha} * g)); }
double cut_gate(double g) { return std::min(g, double{kCut.limit}); }
double cut_up(double u) { return std::clamp(u, -double{kCut.limit}, double{kCut.limit}); }

struct ClampedCase {
  explicit ClampedCase(std::size_t n)
      : gate(reference::normals(n, 11)), up(reference::normals(n, 12)), dout(reference::normals(n, 13)) {
    for (float& v : gate) v *= 2.0F;  // so that about a quarter of each is cut
    for (float& v : up) v *= 2.0F;
  }
  std::vector<float> gate, up, dout;
};

TEST(TransformerClampedGate, ForwardIsTheFormulaOverAllLengths) {
  for (std::size_t n = 1; n <= 67; ++n) {
    const ClampedCase c(n);
    std::vector<float> out(n + 1, kPastTheEnd);
    clamped_gate_forward(kCut, static_cast<std::int64_t>(n), c.gate.data(), c.up.data(), out.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double g = cut_gate(c.gate[i]);
      const double want = (cut_up(c.up[i]) + 1.0) * g * share_of(g);
      // Some roundings of u glu and of glu, which may cancel.
      ASSERT_NEAR(out[i], want, 32 * 0x1p-24 * (1.0 + double{kCut.limit}) * std::abs(g)) << n << ' ' << i;
    }
    ASSERT_EQ(out[n], kPastTheEnd) << n;
  }
}

TEST(TransformerClampedGate, BackwardIsTheFormulasSlopeAndMayWriteOverItsInputs) {
  for (std::size_t n = 1; n <= 67; ++n) {
    ClampedCase c(n);
    std::vector<float> gate = c.gate;
    std::vector<float> up = c.up;
    gate.push_back(kPastTheEnd);
    up.push_back(kPastTheEnd);
    clamped_gate_backward(kCut, static_cast<std::int64_t>(n), gate.data(), up.data(), c.dout.data(),
                          gate.data(), up.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double g = cut_gate(c.gate[i]);
      const double s = share_of(g);
      const double slope = s + double{kCut.alpha} * g * s * (1.0 - s);
      const double dgate = c.gate[i] > kCut.limit ? 0.0 : (cut_up(c.up[i]) + 1.0) * c.dout[i] * slope;
      const double dup = std::abs(c.up[i]) > kCut.limit ? 0.0 : double{c.dout[i]} * g * s;
      const double size = std::abs(double{c.dout[i]}) * (1.0 + double{kCut.limit}) * (1.0 + std::abs(g));
      ASSERT_NEAR(gate[i], dgate, 64 * 0x1p-24 * size) << n << ' ' << i;
      ASSERT_NEAR(up[i], dup, 64 * 0x1p-24 * size) << n << ' ' << i;
    }
    ASSERT_EQ(gate[n], kPastTheEnd);
    ASSERT_EQ(up[n], kPastTheEnd);
  }
}

TEST(TransformerClampedGate, AtTheLimitEverythingFlowsAndBeyondItNothing) {
  const float beyond = std::nextafter(kCut.limit, 2.0F);
  const std::vector<float> gate = {kCut.limit, beyond, 1.0F, 1.0F, 1.0F, 1.0F};
  const std::vector<float> up = {1.0F, 1.0F, kCut.limit, beyond, -kCut.limit, -beyond};
  const std::vector<float> dout(gate.size(), 1.0F);
  std::vector<float> dgate(gate.size()), dup(gate.size());
  clamped_gate_backward(kCut, 6, gate.data(), up.data(), dout.data(), dgate.data(), dup.data());
  EXPECT_GT(dgate[0], 0.0F);
  EXPECT_EQ(dgate[1], 0.0F);
  EXPECT_GT(dup[2], 0.0F);
  EXPECT_EQ(dup[3], 0.0F);
  EXPECT_GT(dup[4], 0.0F);
  EXPECT_EQ(dup[5], 0.0F);
}

TEST(TransformerClampedGate, FarBelowItIsZeroAndWhatIsNoNumberStays) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> gate = {-1e4F, -100.0F, nan, 1.0F};
  const std::vector<float> up = {1.0F, 1.0F, 1.0F, nan};
  std::vector<float> out(4);
  clamped_gate_forward(kCut, 4, gate.data(), up.data(), out.data());
  EXPECT_NEAR(out[0], 0.0F, 1e-30F);
  EXPECT_NEAR(out[1], 0.0F, 1e-30F);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_TRUE(std::isnan(out[3]));
}

}  // namespace
}  // namespace lq::backends
