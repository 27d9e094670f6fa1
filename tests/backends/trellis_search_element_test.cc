// Paths of tiles as CUDA threads find them: the processor's states, bit for bit.
#include "backends/cuda/trellis_search_element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "backends/cpu/trellis_search.h"
#include "backends/cuda/trellis_tile_element.h"
#include "quant/trellis/trellis_reference.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

static_assert(cuda::kPathGuess == kTrellisGuess);

// trellis_search_block.h's threads, one after the other; barriers are where a loop over them ends, shuffles
// are what they share by plain loops.
class SearchAsThreads {
 public:
  SearchAsThreads(int bits, int state_bits, int threads)
      : shape_{bits, state_bits},
        threads_(threads),
        units_(cuda::path_units(shape_)),
        pointers_(static_cast<std::size_t>(kTrellisTile * units_)) {
    for (auto& least : least_) least.resize(static_cast<std::size_t>(cuda::path_groups(shape_)));
  }

  std::vector<std::uint16_t> run(const std::vector<float>& scales, const std::vector<float>& targets,
                                 const std::vector<float>& importance) {
    double most = 0.0;
    for (std::size_t t = 0; t < kTrellisTile; ++t)
      most = std::max(most, cuda::step_root(importance[t]) * scales[t]);
    for (std::size_t t = 0; t < kTrellisTile; ++t) {
      steps_.weights[t] = cuda::step_weight(scales[t], importance[t], most);
      steps_.targets[t] = cuda::step_target(targets[t], importance[t], most);
    }
    int start = pass(-1, 2 * cuda::kPathGuess);
    for (int j = 0; j < cuda::kPathGuess; ++j) start = cuda::next_state(shape_, start, at(j));
    for (;;) {
      pass(start, kTrellisTile);
      std::vector<std::uint16_t> states;
      int state = start;
      for (int t = 0; t < kTrellisTile; ++t) {
        states.push_back(static_cast<std::uint16_t>(state));
        state = cuda::next_state(shape_, state, at(t));
      }
      if (state == start) return states;
      for (int t = 0; t < kTrellisTile; ++t) {
        steps_.weights[t] = static_cast<std::int16_t>(steps_.weights[t] >> 1);
        steps_.targets[t] = static_cast<std::int16_t>(steps_.targets[t] >> 1);
      }
    }
  }
  const cuda::PathSteps& steps() const { return steps_; }

 private:
  std::uint8_t* at(int place) { return pointers_.data() + static_cast<std::ptrdiff_t>(place) * units_; }

  std::uint8_t step(int unit, int from, int lowest, int weight, int target, int& least) {
    auto& to = least_[1 - from];
    switch (shape_.bits) {
      case 2:
        return cuda::step_unit<2>(shape_.state_bits, unit, least_[from].data(), lowest, weight, target,
                                  to.data(), least);
      case 3:
        return cuda::step_unit<3>(shape_.state_bits, unit, least_[from].data(), lowest, weight, target,
                                  to.data(), least);
      default:
        return cuda::step_unit<4>(shape_.state_bits, unit, least_[from].data(), lowest, weight, target,
                                  to.data(), least);
    }
  }

  // The best state of the first element, where start is -1.
  int pass(int start, int count) {
    const auto each_unit = [&](const auto& unit_of_thread) {
      for (int thread = threads_ - 1; thread >= 0; --thread)
        for (int unit = thread; unit < units_; unit += threads_) unit_of_thread(unit);
    };
    each_unit([&](int unit) { at(count - 1)[unit] = cuda::end_unit(shape_, start, unit, least_[0].data()); });
    int lowest = cuda::kLeastCost;
    int from = 0;
    for (int j = count - 1; j > 0; --j) {
      const int t = start < 0 ? (kTrellisTile - cuda::kPathGuess + j) % kTrellisTile : j;
      int least = cuda::kWorstCost;
      each_unit([&](int unit) {
        at(j - 1)[unit] = step(unit, from, lowest, steps_.weights[t], steps_.targets[t], least);
      });
      lowest = least;
      from = 1 - from;
    }
    if (start >= 0) return start;
    const int t = kTrellisTile - cuda::kPathGuess;
    std::uint32_t best = 0xffffffffU;
    for (int state = 0; state < 1 << shape_.state_bits; ++state) {
      best = std::min(best, cuda::ranked_state(shape_, state, least_[from].data(), lowest, steps_.weights[t],
                                               steps_.targets[t]));
    }
    return static_cast<int>(best & 0xffffU);
  }

  cuda::PathShape shape_;
  int threads_;
  int units_;
  std::vector<std::uint8_t> pointers_;
  std::vector<std::int16_t> least_[2];
  cuda::PathSteps steps_ = {};
};

struct SearchedTile {
  std::vector<float> scales, targets, importance;
};

// An even one; one whose elements and scales matter by very different amounts; nothing to hit; out of reach.
std::vector<SearchedTile> searched_tiles() {
  std::vector<SearchedTile> tiles;
  const auto w = reference::normals(2 * kTrellisTile, 11);
  const auto u = reference::normals(2 * kTrellisTile, 12);
  SearchedTile even{std::vector<float>(kTrellisTile, 1.0F / 147.8F),
                    {w.begin(), w.begin() + kTrellisTile},
                    std::vector<float>(kTrellisTile, 1.0F)};
  SearchedTile uneven = even;
  SearchedTile far = even;
  for (std::size_t t = 0; t < kTrellisTile; ++t) {
    uneven.scales[t] *= 0.5F + u[t] * u[t];
    uneven.importance[t] = t % 7 == 0 ? 0.0F : u[t + 256] * u[t + 256];
    far.scales[t] = t % 3 == 0 ? 0.0F : 1e-9F;
    far.targets[t] = (t % 2 == 0 ? 1.0F : -1.0F) * std::numeric_limits<float>::max();
    far.importance[t] = t % 5 == 0 ? 0.0F : std::numeric_limits<float>::max();
  }
  SearchedTile nothing = even;
  std::fill(nothing.targets.begin(), nothing.targets.end(), 0.0F);
  return {even, uneven, far, nothing};
}

TEST(TrellisSearchElement, ThreadsFindTheProcessorsPathsBitForBit) {
  for (const int bits : {2, 3, 4}) {
    for (const auto& [state_bits, threads] : {std::pair{10, 32}, {12, 256}, {13, 96}, {16, 256}}) {
      SearchAsThreads there(bits, state_bits, threads);
      TrellisSearch here(bits, state_bits);
      int tile_number = 0;
      for (const SearchedTile& tile : searched_tiles()) {
        const std::vector<std::uint16_t> have = there.run(tile.scales, tile.targets, tile.importance);
        TrellisSteps steps;
        trellis_steps(tile.scales.data(), tile.targets.data(), tile.importance.data(), steps);
        std::vector<std::uint16_t> want(kTrellisTile);
        here.run(steps, want.data());
        ASSERT_EQ(have, want) << bits << " of " << state_bits << " bits, tile " << tile_number;
        ++tile_number;
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(32 * bits));
        trellis_pack(bits, want.data(), bytes.data());
        for (int i = 0; i < 32 * bits; ++i)
          ASSERT_EQ(cuda::path_byte(bits, have.data(), i), bytes[static_cast<std::size_t>(i)]) << i;
      }
    }
  }
}

TEST(TrellisSearchElement, StepsAreTheProcessors) {
  const SearchedTile tile = searched_tiles()[1];
  TrellisSteps want;
  trellis_steps(tile.scales.data(), tile.targets.data(), tile.importance.data(), want);
  double most = 0.0;
  for (std::size_t t = 0; t < kTrellisTile; ++t)
    most = std::max(most, cuda::step_root(tile.importance[t]) * tile.scales[t]);
  for (std::size_t t = 0; t < kTrellisTile; ++t) {
    EXPECT_EQ(cuda::step_weight(tile.scales[t], tile.importance[t], most), want.weights[t]) << t;
    EXPECT_EQ(cuda::step_target(tile.targets[t], tile.importance[t], most), want.targets[t]) << t;
  }
  EXPECT_EQ(cuda::search_unit(2.5), 2);
  EXPECT_EQ(cuda::search_unit(-3.5), -4);
  EXPECT_EQ(cuda::search_unit(1e300), 32767);
}

}  // namespace
}  // namespace lq::backends
