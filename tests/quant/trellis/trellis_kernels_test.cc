// The fast codec of the trellis format against the reference, on every SIMD target of this machine.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "backends/cpu/trellis_search.h"
#include "backends/trellis_case.h"
#include "quant/trellis/trellis_reference.h"
#include "reference/numbers.h"

namespace lq {
namespace {

template <typename Body>
void on_each_target(const Body& body) {
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Tame numbers; scales and importances that vary; numbers far out of reach.
backends::TrellisSteps some_steps(int pattern) {
  const auto x = reference::normals(backends::kTrellisTile, 3);
  const auto y = reference::normals(backends::kTrellisTile, 4);
  std::vector<float> scales(x.size(), 1.0F / 147.8F), targets = x, importance(x.size(), 1.0F);
  for (std::size_t t = 0; t < x.size() && pattern > 0; ++t) {
    scales[t] = t % 7 == 0 ? 0.0F : scales[t] * (1.0F + 0.3F * static_cast<float>(t % 3));
    importance[t] = std::exp(2.0F * y[t]);
    if (pattern == 2) targets[t] *= std::exp(4.0F * y[t]);
  }
  backends::TrellisSteps steps;
  backends::trellis_steps(scales.data(), targets.data(), importance.data(), steps);
  return steps;
}

TEST(TrellisKernels, TheSearchFindsTheReferencesPath) {
  for (const int bits : {2, 3, 4}) {
    for (const int state_bits : {10, 12}) {
      for (const int pattern : {0, 1, 2}) {
        const backends::TrellisSteps steps = some_steps(pattern);
        std::vector<std::uint16_t> want(backends::kTrellisTile);
        trellis_reference_search(bits, state_bits, steps, want.data());
        on_each_target([&] {
          std::vector<std::uint16_t> have(backends::kTrellisTile);
          backends::TrellisSearch(bits, state_bits).run(steps, have.data());
          ASSERT_EQ(have, want) << bits << ' ' << state_bits << ' ' << pattern;
        });
      }
    }
  }
}

TEST(TrellisKernels, DecodingGivesTheReferencesBits) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4}) {
    for (int state_bits = backends::kMinStateBits; state_bits <= backends::kMaxStateBits; ++state_bits) {
      const backends::TrellisCase c(bits, state_bits, 128, 37, 300);
      on_each_target([&] {
        std::vector<float> out(c.values.size());
        backends::packed_decode(pool, c.view, out.data());
        ASSERT_EQ(std::memcmp(out.data(), c.values.data(), 4 * out.size()), 0) << bits << ' ' << state_bits;
      });
    }
  }
}

TEST(TrellisKernels, EveryTargetMultipliesAFewVectors) {
  ThreadPool pool(2);
  const backends::TrellisCase c(3, 12, 64, 21, 130);
  const auto x = reference::normals(3 * 130, 5);
  on_each_target([&] {
    std::vector<float> y(3 * 21);
    std::vector<float> scratch(static_cast<std::size_t>(backends::packed_few_scratch(c.view, 3)) + 8);
    void* at = scratch.data();
    std::size_t room = 4 * scratch.size();
    std::align(32, 32, at, room);
    backends::packed_few(pool, c.view, x.data(), 3, y.data(), static_cast<float*>(at), false);
    std::vector<double> want(y.size());
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t i = 0; i < 21; ++i) {
        for (std::size_t k = 0; k < 130; ++k)
          want[j * 21 + i] += double{c.values[i * 130 + k]} * x[j * 130 + k];
      }
    }
    EXPECT_LT(reference::relative_difference(y, want), 1e-4);
  });
}

}  // namespace
}  // namespace lq
