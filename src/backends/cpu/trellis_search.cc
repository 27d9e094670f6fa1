#include "backends/cpu/trellis_search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/trellis_search.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using SearchD = hn::CappedTag<std::int16_t, 32>;
using SearchV = hn::Vec<SearchD>;
constexpr int kSearchLanes = static_cast<int>(hn::MaxLanes(SearchD()));

// least[g] = the least cost among the 2^kBits states whose low bits are g, as a distance from the least of
// all above -32768; decisions[g] = the high bits of the first state that has it.
template <int kBits>
HWY_INLINE void TakeLeast(int groups, const std::int16_t* HWY_RESTRICT costs,
                          std::int16_t* HWY_RESTRICT least, std::uint8_t* HWY_RESTRICT decisions) {
  const SearchD d;
  const hn::Rebind<std::uint8_t, SearchD> d8;
  SearchV lowest = hn::Set(d, 32767);
  for (int g = 0; g < groups; g += kSearchLanes) {
    SearchV best = hn::Load(d, costs + g);
    SearchV index = hn::Zero(d);
    for (int n = 1; n < 1 << kBits; ++n) {
      const SearchV cost = hn::Load(d, costs + n * groups + g);
      index = hn::IfThenElse(hn::Lt(cost, best), hn::Set(d, static_cast<std::int16_t>(n)), index);
      best = hn::Min(best, cost);
    }
    lowest = hn::Min(lowest, best);
    hn::Store(best, d, least + g);
    hn::StoreU(hn::DemoteTo(d8, index), d8, decisions + g);
  }
  alignas(64) std::int16_t lanes[kSearchLanes];
  hn::Store(lowest, d, lanes);
  const std::int16_t all = *std::min_element(lanes, lanes + kSearchLanes);
  // Modulo 2^16: the difference is 0 to 65535.
  const SearchV down = hn::Set(d, static_cast<std::int16_t>(-32768 - all));
  for (int g = 0; g < groups; g += kSearchLanes) {
    hn::Store(hn::Add(hn::Load(d, least + g), down), d, least + g);
  }
}

// The entry of `least` that each of the states from `state` on comes to: lane >> kBits.
template <int kBits>
HWY_INLINE SearchV Spread(const std::int16_t* HWY_RESTRICT least, int state,
                          hn::Vec<hn::Repartition<std::uint8_t, SearchD>> places) {
  const SearchD d;
  const hn::Repartition<std::uint8_t, SearchD> d8;
  const std::int16_t* const from = least + (state >> kBits);
  constexpr int kEntries = kSearchLanes >> kBits;
  if constexpr (kEntries <= 1) {
    return hn::Set(d, *from);
  } else if constexpr (kEntries == 2) {
    std::int32_t two;
    std::memcpy(&two, from, sizeof two);
    return hn::BitCast(
        d, hn::TableLookupBytes(hn::BitCast(d8, hn::Set(hn::Repartition<std::int32_t, SearchD>(), two)),
                                places));
  } else {
    std::int64_t four;
    std::memcpy(&four, from, sizeof four);
    auto entries = hn::Set(hn::Repartition<std::int64_t, SearchD>(), four);
    if constexpr (kEntries == 8) {
      std::int64_t more;
      std::memcpy(&more, from + 4, sizeof more);
      entries = hn::InterleaveLower(entries, hn::Set(hn::Repartition<std::int64_t, SearchD>(), more));
    }
    return hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(d8, entries), places));
  }
}

template <int kBits>
HWY_INLINE void AddErrors(int states, const std::int16_t* HWY_RESTRICT values,
                          const std::int16_t* HWY_RESTRICT least, std::int16_t weight, std::int16_t target,
                          std::int16_t* HWY_RESTRICT costs) {
  const SearchD d;
  const hn::Repartition<std::uint8_t, SearchD> d8;
  alignas(64) std::uint8_t bytes[2 * kSearchLanes];
  for (int i = 0; i < kSearchLanes; ++i) {
    bytes[2 * i] = static_cast<std::uint8_t>(2 * (i >> kBits));
    bytes[2 * i + 1] = static_cast<std::uint8_t>(2 * (i >> kBits) + 1);
  }
  const auto places = hn::Load(d8, bytes);
  const SearchV weights = hn::Set(d, weight);
  const SearchV targets = hn::Set(d, target);
  for (int state = 0; state < states; state += kSearchLanes) {
    const SearchV value = hn::MulFixedPoint15(hn::Load(d, values + state), weights);
    SearchV off = hn::SaturatedSub(value, targets);
    off = hn::SaturatedAdd(off, off);
    const SearchV from = Spread<kBits>(least, state, places);
    hn::Store(hn::SaturatedAdd(from, hn::MulHigh(off, off)), d, costs + state);
  }
}

template <int kBits>
void SearchStepOf(int state_bits, const std::int16_t* values, std::int16_t weight, std::int16_t target,
                  std::int16_t* costs, std::int16_t* least, std::uint8_t* decisions) {
  TakeLeast<kBits>(1 << (state_bits - kBits), costs, least, decisions);
  AddErrors<kBits>(1 << state_bits, values, least, weight, target, costs);
}

void SearchStep(int bits, int state_bits, const std::int16_t* values, std::int16_t weight,
                std::int16_t target, std::int16_t* costs, std::int16_t* least, std::uint8_t* decisions) {
  switch (bits) {
    case 2:
      return SearchStepOf<2>(state_bits, values, weight, target, costs, least, decisions);
    case 3:
      return SearchStepOf<3>(state_bits, values, weight, target, costs, least, decisions);
    default:
      return SearchStepOf<4>(state_bits, values, weight, target, costs, least, decisions);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(SearchStep);

constexpr std::size_t kSearchAlignment = 64;

std::int16_t to_search_unit(double x) {
  return static_cast<std::int16_t>(std::lrint(std::clamp(x, -32767.0, 32767.0)));
}

}  // namespace

void trellis_steps(const float* scales, const float* targets, const float* importance, TrellisSteps& steps) {
  double roots[kTrellisTile];
  double most = 0.0;
  for (int t = 0; t < kTrellisTile; ++t) {
    roots[t] = std::sqrt(static_cast<double>(importance[t]));
    most = std::max(most, roots[t] * scales[t]);
  }
  const double weight_unit = most > 0.0 ? 32767.0 / most : 0.0;
  const double target_unit = weight_unit / 512.0;
  for (int t = 0; t < kTrellisTile; ++t) {
    steps.weights[t] = to_search_unit(roots[t] * scales[t] * weight_unit);
    steps.targets[t] = to_search_unit(roots[t] * targets[t] * target_unit);
  }
}

void TrellisSearch::Free::operator()(void* p) const {
  ::operator delete[](p, std::align_val_t{kSearchAlignment});
}

template <typename T>
TrellisSearch::Aligned<T> TrellisSearch::aligned(std::size_t count) {
  return Aligned<T>(static_cast<T*>(::operator new[](count * sizeof(T), std::align_val_t{kSearchAlignment})));
}

TrellisSearch::TrellisSearch(int bits, int state_bits)
    : bits_(bits),
      state_bits_(state_bits),
      values_(aligned<std::int16_t>(std::size_t{1} << state_bits)),
      costs_(aligned<std::int16_t>(std::size_t{1} << state_bits)),
      // Spread() may read a vector's worth from any entry on.
      least_(aligned<std::int16_t>((std::size_t{1} << (state_bits - bits)) + 32)),
      decisions_(
          aligned<std::uint8_t>((static_cast<std::size_t>(kTrellisTile) << (state_bits - bits)) + 64)) {
  for (std::uint32_t state = 0; state < 1U << state_bits; ++state) {
    const std::uint32_t hash = kTrellisMultiplier * state;
    const auto sum =
        static_cast<int>((hash & 0xffU) + (hash >> 8 & 0xffU) + (hash >> 16 & 0xffU) + (hash >> 24));
    values_[state] = static_cast<std::int16_t>(64 * (sum - kTrellisCentre));
  }
}

void TrellisSearch::step(const TrellisSteps& steps, int t, int place) {
  HWY_DYNAMIC_DISPATCH(SearchStep)
  (bits_, state_bits_, values_.get(), steps.weights[t], steps.targets[t], costs_.get(), least_.get(),
   decisions_.get() + (static_cast<std::size_t>(place) << (state_bits_ - bits_)));
}

int TrellisSearch::next(int state, int place) const {
  const std::size_t group =
      (static_cast<std::size_t>(place) << (state_bits_ - bits_)) + static_cast<std::size_t>(state >> bits_);
  return state >> bits_ | decisions_[group] << (state_bits_ - bits_);
}

bool TrellisSearch::close(const TrellisSteps& steps, int start, std::uint16_t* states) {
  std::fill_n(costs_.get(), std::size_t{1} << state_bits_, std::int16_t{32767});
  costs_[static_cast<std::size_t>(start)] = -32768;
  for (int t = kTrellisTile - 1; t >= 0; --t) step(steps, t, t);
  int state = start;
  for (int t = 0; t < kTrellisTile; ++t) {
    states[t] = static_cast<std::uint16_t>(state);
    state = next(state, t);
  }
  return state == start;
}

void TrellisSearch::run(const TrellisSteps& steps, std::uint16_t* states) {
  const std::size_t count = std::size_t{1} << state_bits_;
  std::fill_n(costs_.get(), count, std::int16_t{-32768});
  for (int j = 2 * kTrellisGuess - 1; j >= 0; --j) {
    step(steps, (kTrellisTile - kTrellisGuess + j) % kTrellisTile, j);
  }
  auto start = static_cast<int>(std::min_element(costs_.get(), costs_.get() + count) - costs_.get());
  for (int j = 0; j < kTrellisGuess; ++j) start = next(start, j);
  if (close(steps, start, states)) return;
  // Costs so large that a way back to the start looks no better than none: smaller ones. At 0 there is one.
  TrellisSteps smaller = steps;
  do {
    for (int t = 0; t < kTrellisTile; ++t) {
      smaller.weights[t] = static_cast<std::int16_t>(smaller.weights[t] >> 1);
      smaller.targets[t] = static_cast<std::int16_t>(smaller.targets[t] >> 1);
    }
  } while (!close(smaller, start, states));
}

void trellis_pack(int bits, const std::uint16_t* states, std::uint8_t* bytes) {
  std::fill_n(bytes, kTrellisTile / 8 * bits, std::uint8_t{0});
  for (int t = 0; t < kTrellisTile; ++t) {
    const int column = t / kTrellisSide;
    for (int i = 0; i < bits; ++i) {
      const int at = t % kTrellisSide * bits + i;  // of the column's bits
      const int word = at / 16 * kTrellisSide + column;
      bytes[2 * word + at % 16 / 8] |= static_cast<std::uint8_t>((states[t] >> i & 1) << at % 8);
    }
  }
}

}  // namespace lq::backends
#endif
