#include "quant/trellis/trellis_reference.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace lq {
namespace {

using backends::kTrellisGuess;
using backends::kTrellisSide;
using backends::kTrellisTile;

constexpr int kWorst = 32767;
constexpr int kLeast = -32768;

int saturated(int x) { return std::clamp(x, kLeast, kWorst); }

class PlainSearch {
 public:
  PlainSearch(int bits, int state_bits)
      : bits_(bits),
        state_bits_(state_bits),
        costs_(std::size_t{1} << state_bits),
        decisions_(static_cast<std::size_t>(kTrellisTile) << (state_bits - bits)) {
  }  // the first pass needs fewer

  void run(const backends::TrellisSteps& of, std::uint16_t* states) {
    backends::TrellisSteps steps = of;
    std::fill(costs_.begin(), costs_.end(), kLeast);
    for (int j = 2 * kTrellisGuess - 1; j >= 0; --j) {
      step(steps, (kTrellisTile - kTrellisGuess + j) % kTrellisTile, j);
    }
    int start = static_cast<int>(std::min_element(costs_.begin(), costs_.end()) - costs_.begin());
    for (int j = 0; j < kTrellisGuess; ++j) start = next(start, j);
    while (!close(steps, start, states)) {
      for (int t = 0; t < kTrellisTile; ++t) {
        steps.weights[t] = static_cast<std::int16_t>(steps.weights[t] >> 1);
        steps.targets[t] = static_cast<std::int16_t>(steps.targets[t] >> 1);
      }
    }
  }

 private:
  bool close(const backends::TrellisSteps& steps, int start, std::uint16_t* states) {
    std::fill(costs_.begin(), costs_.end(), kWorst);
    costs_[static_cast<std::size_t>(start)] = kLeast;
    for (int t = kTrellisTile - 1; t >= 0; --t) step(steps, t, t);
    int state = start;
    for (int t = 0; t < kTrellisTile; ++t) {
      states[t] = static_cast<std::uint16_t>(state);
      state = next(state, t);
    }
    return state == start;
  }

  int next(int state, int place) const {
    const std::size_t group =
        (static_cast<std::size_t>(place) << (state_bits_ - bits_)) + static_cast<std::size_t>(state >> bits_);
    return state >> bits_ | decisions_[group] << (state_bits_ - bits_);
  }

  // From costs after element t to costs from element t on.
  void step(const backends::TrellisSteps& steps, int t, int place) {
    const int groups = 1 << (state_bits_ - bits_);
    std::vector<int> least(static_cast<std::size_t>(groups));
    for (int g = 0; g < groups; ++g) {
      int best = 0;
      for (int n = 1; n < 1 << bits_; ++n) {
        if (cost(n * groups + g) < cost(best * groups + g)) best = n;
      }
      least[static_cast<std::size_t>(g)] = cost(best * groups + g);
      decisions_[static_cast<std::size_t>(place) * static_cast<std::size_t>(groups) +
                 static_cast<std::size_t>(g)] = best;
    }
    const int lowest = *std::min_element(least.begin(), least.end());
    for (int state = 0; state < 1 << state_bits_; ++state) {
      const int value = 64 * trellis_value(static_cast<std::uint32_t>(state));
      const int weighted = (value * steps.weights[t] + 0x4000) >> 15;
      const int off = saturated(2 * saturated(weighted - steps.targets[t]));
      const int from = least[static_cast<std::size_t>(state >> bits_)] - lowest + kLeast;
      costs_[static_cast<std::size_t>(state)] = saturated(from + (off * off >> 16));
    }
  }

  int cost(int state) const { return costs_[static_cast<std::size_t>(state)]; }

  int bits_;
  int state_bits_;
  std::vector<int> costs_;
  std::vector<int> decisions_;
};

float reference_scale(const backends::TrellisView& v, std::int64_t index) {
  float scale2;
  std::memcpy(&scale2, static_cast<const std::uint8_t*>(v.scales2) + 4 * (index / backends::kTrellisBlocks2),
              4);
  const float step = scale2 / 255.0F;
  const float product = static_cast<float>(v.scales[index]) * step;
  return v.offset + product;
}

}  // namespace

int trellis_value(std::uint32_t state) {
  const std::uint32_t hash = backends::kTrellisMultiplier * state;
  int sum = 0;
  for (int byte = 0; byte < 4; ++byte) sum += static_cast<int>(hash >> (8 * byte) & 0xffU);
  return sum - backends::kTrellisCentre;
}

std::uint32_t trellis_state(const std::uint8_t* tile, int bits, int state_bits, int t) {
  std::uint32_t state = 0;
  for (int i = 0; i < state_bits; ++i) {
    const int at = (t * bits + i) % (kTrellisTile * bits);  // of the tile's bits
    const int column = at / (kTrellisSide * bits);
    const int in_column = at % (kTrellisSide * bits);
    const int word = in_column / 16 * kTrellisSide + column;
    const int bit = in_column % 16;
    state |= static_cast<std::uint32_t>(tile[2 * word + bit / 8] >> bit % 8 & 1) << i;
  }
  return state;
}

void trellis_reference_decode(const backends::TrellisView& v, std::int64_t cols, std::int64_t begin,
                              std::int64_t count, float* out) {
  const std::int64_t tiles = (cols + kTrellisSide - 1) / kTrellisSide;
  const std::int64_t blocks = (cols + v.block - 1) / v.block;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = (begin + i) / cols;
    const std::int64_t col = (begin + i) % cols;
    const std::int64_t tile = row / kTrellisSide * tiles + col / kTrellisSide;
    const auto t = static_cast<int>(col % kTrellisSide * kTrellisSide + row % kTrellisSide);
    const std::uint32_t state = trellis_state(v.codes + tile * 32 * v.bits, v.bits, v.state_bits, t);
    out[i] = static_cast<float>(trellis_value(state)) * reference_scale(v, row * blocks + col / v.block);
  }
}

void trellis_reference_search(int bits, int state_bits, const backends::TrellisSteps& steps,
                              std::uint16_t* states) {
  PlainSearch(bits, state_bits).run(steps, states);
}

}  // namespace lq
