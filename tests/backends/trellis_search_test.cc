// The search for paths: closed, as good as it should be, and bounded in what it bears. Its states are
// compared with the reference's on every SIMD target in tests/quant.
#include "backends/cpu/trellis_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/trellis/trellis_reference.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

struct Tile {
  std::vector<float> scales = std::vector<float>(kTrellisTile, 1.0F);
  std::vector<float> targets = std::vector<float>(kTrellisTile, 0.0F);
  std::vector<float> importance = std::vector<float>(kTrellisTile, 1.0F);

  TrellisSteps steps() const {
    TrellisSteps s;
    trellis_steps(scales.data(), targets.data(), importance.data(), s);
    return s;
  }
};

void expect_closed(const std::vector<std::uint16_t>& states, int bits, int state_bits) {
  const int kept = (1 << (state_bits - bits)) - 1;
  for (std::size_t t = 0; t < states.size(); ++t) {
    ASSERT_EQ(states[t] >> bits, states[(t + 1) % states.size()] & kept) << "element " << t;
  }
}

TEST(TrellisSearch, LeavesOfNormalNumbersWhatTheCodeAllows) {
  constexpr int kTiles = 60;
  // Measured over 512 k numbers: 0.0731, 0.0191, 0.0051. A tenth above, for 15 k numbers.
  const double most[] = {0.080, 0.0210, 0.0056};
  const double width[] = {1.035, 1.10, 1.15};
  const auto w = normals(kTiles * kTrellisTile, 3);
  for (const int bits : {2, 3, 4}) {
    TrellisSearch search(bits, 12);
    Tile tile;
    const auto scale = static_cast<float>(width[bits - 2] / 147.8);
    std::fill(tile.scales.begin(), tile.scales.end(), scale);
    double error = 0.0;
    std::vector<std::uint16_t> states(kTrellisTile);
    for (int i = 0; i < kTiles; ++i) {
      std::copy_n(w.begin() + i * kTrellisTile, kTrellisTile, tile.targets.begin());
      search.run(tile.steps(), states.data());
      expect_closed(states, bits, 12);
      for (int t = 0; t < kTrellisTile; ++t) {
        const auto at = static_cast<std::size_t>(t);
        error += std::pow(double{tile.targets[at]} - double{scale} * trellis_value(states[at]), 2);
      }
    }
    EXPECT_LT(error / (kTiles * kTrellisTile), most[bits - 2]) << bits;
    EXPECT_GT(error / (kTiles * kTrellisTile), std::pow(0.25, bits)) << "below what any code allows";
  }
}

TEST(TrellisSearch, WhatMattersMoreErrsLess) {
  TrellisSearch search(2, 12);
  Tile tile;
  std::fill(tile.scales.begin(), tile.scales.end(), 1.0F / 147.8F);
  tile.targets = normals(kTrellisTile, 4);
  for (std::size_t t = 0; t < kTrellisTile; t += 4) tile.importance[t] = 25.0F;
  std::vector<std::uint16_t> states(kTrellisTile);
  search.run(tile.steps(), states.data());
  double much = 0.0, little = 0.0;
  for (std::size_t t = 0; t < kTrellisTile; ++t) {
    const double error = std::pow(double{tile.targets[t]} - trellis_value(states[t]) / 147.8, 2);
    (t % 4 == 0 ? much : little) += t % 4 == 0 ? error : error / 3.0;
  }
  EXPECT_LT(much, 0.5 * little);
}

TEST(TrellisSearch, ClosesWhateverTheNumbers) {
  constexpr float kMax = std::numeric_limits<float>::max();
  std::vector<std::uint16_t> states(kTrellisTile);
  for (const int bits : {2, 3, 4}) {
    for (const int state_bits : {10, 16}) {
      TrellisSearch search(bits, state_bits);
      Tile tile;
      search.run(tile.steps(), states.data());  // nothing but zeros to hit
      expect_closed(states, bits, state_bits);
      std::fill(tile.scales.begin(), tile.scales.end(), 0.0F);
      search.run(tile.steps(), states.data());
      expect_closed(states, bits, state_bits);
      // Out of reach, now this way and now that: every path saturates.
      for (std::size_t t = 0; t < kTrellisTile; ++t) {
        tile.scales[t] = t % 3 == 0 ? 0.0F : 1e-9F;
        tile.targets[t] = t % 2 == 0 ? kMax : -kMax;
        tile.importance[t] = t % 5 == 0 ? 0.0F : kMax;
      }
      search.run(tile.steps(), states.data());
      expect_closed(states, bits, state_bits);
    }
  }
}

TEST(TrellisSearch, PackedTilesHoldTheirStates) {
  for (const int bits : {2, 3, 4}) {
    TrellisSearch search(bits, 11);
    Tile tile;
    std::fill(tile.scales.begin(), tile.scales.end(), 1.0F / 147.8F);
    tile.targets = normals(kTrellisTile, 5);
    std::vector<std::uint16_t> states(kTrellisTile);
    search.run(tile.steps(), states.data());
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(32 * bits), 0xff);
    trellis_pack(bits, states.data(), bytes.data());
    for (int t = 0; t < kTrellisTile; ++t) {
      ASSERT_EQ(trellis_state(bytes.data(), bits, 11, t), states[static_cast<std::size_t>(t)]) << t;
    }
  }
}

}  // namespace
}  // namespace lq::backends
