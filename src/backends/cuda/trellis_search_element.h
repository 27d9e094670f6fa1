// The search for the path of a tile of a trellis code, as the threads of a block share it
// (trellis_encode.cu): the states of backends/cpu/trellis_search.h, in whole numbers. What a thread does
// between two barriers is one function here, so that a test runs a block on the processor, phase by phase and
// thread by thread.
//
// The costs of all states are never stored. State s goes on to the states whose low bits are s >> bits, its
// group at the element after it; so what is kept from element to element is the least cost of each group, the
// high bits of the state that has it (its pointer), and the least of all, which costs are counted from.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/trellis_element.h"
#include "backends/trellis_view.h"

namespace lq::backends::cuda {

inline constexpr int kPathGuess = 32;  // kTrellisGuess of backends/cpu/trellis_search.h
inline constexpr int kWorstCost = 32767;
inline constexpr int kLeastCost = -32768;

// A code's states and their groups.
struct PathShape {
  int bits = 0;
  int state_bits = 0;
};

LQ_HOST_DEVICE inline int path_groups(const PathShape& s) { return 1 << (s.state_bits - s.bits); }
// Groups that a thread takes together: their pointers are one byte, and their states come to one group each.
LQ_HOST_DEVICE constexpr int unit_groups(int bits) { return bits == 2 ? 4 : 2; }
LQ_HOST_DEVICE constexpr int pointer_bits(int bits) { return 8 / unit_groups(bits); }
LQ_HOST_DEVICE inline int path_units(const PathShape& s) { return path_groups(s) / unit_groups(s.bits); }

// Elements as whole numbers, and how they come about (backends/cpu/trellis_search.h, TrellisSteps).
struct PathSteps {
  std::int16_t weights[kTrellisTile];
  std::int16_t targets[kTrellisTile];
};

// The nearest whole number, halves to even, of at most 32767 in magnitude.
LQ_HOST_DEVICE inline std::int16_t search_unit(double x) {
  constexpr double kWhole = 0x1.8p52;  // adding it rounds
  const double bounded = x < -32767.0 ? -32767.0 : x < 32767.0 ? x : 32767.0;
  return static_cast<std::int16_t>((bounded + kWhole) - kWhole);
}
LQ_HOST_DEVICE inline double step_root(float importance) { return sqrt(static_cast<double>(importance)); }
// most: the largest of step_root(importance) * scale over the tile.
LQ_HOST_DEVICE inline std::int16_t step_weight(float scale, float importance, double most) {
  const double unit = most > 0.0 ? 32767.0 / most : 0.0;
  return search_unit(step_root(importance) * scale * unit);
}
LQ_HOST_DEVICE inline std::int16_t step_target(float target, float importance, double most) {
  const double unit = (most > 0.0 ? 32767.0 / most : 0.0) / 512.0;
  return search_unit(step_root(importance) * target * unit);
}

LQ_HOST_DEVICE inline int path_bounded(int x) {
  return x < kLeastCost ? kLeastCost : x < kWorstCost ? x : kWorstCost;
}

// What a state costs at an element of that weight and target: as SIMD rounds and saturates it.
LQ_HOST_DEVICE inline int state_cost(int state, int weight, int target) {
  const int weighted = (64 * trellis_state_value(static_cast<std::uint32_t>(state)) * weight + 0x4000) >> 15;
  const int off = path_bounded(2 * (weighted - target));
  return (off * off) >> 16;
}

// Where a path may end: in any state, or (start >= 0) in that one alone. The least cost of a group there, and
// its pointer; the least of all is kLeastCost.
LQ_HOST_DEVICE inline int end_least(const PathShape& s, int start, int group) {
  return start < 0 || (start & (path_groups(s) - 1)) == group ? kLeastCost : kWorstCost;
}
LQ_HOST_DEVICE inline int end_pointer(const PathShape& s, int start, int group) {
  return start >= 0 && (start & (path_groups(s) - 1)) == group ? start >> (s.state_bits - s.bits) : 0;
}
// The groups of one unit: their least costs, and their pointers in the byte that is returned.
LQ_HOST_DEVICE inline std::uint8_t end_unit(const PathShape& s, int start, int unit, std::int16_t* to) {
  const int count = unit_groups(s.bits);
  int pointers = 0;
  for (int k = 0; k < count; ++k) {
    const int group = unit * count + k;
    to[group] = static_cast<std::int16_t>(end_least(s, start, group));
    pointers |= end_pointer(s, start, group) << (k * pointer_bits(s.bits));
  }
  return static_cast<std::uint8_t>(pointers);
}

// One element of that weight and target: from the least costs of the groups behind it, of which `lowest` is
// the least, to those of a unit's groups. least: takes the least that the thread has seen.
template <int kBits>
LQ_HOST_DEVICE inline std::uint8_t step_unit(int state_bits, int unit, const std::int16_t* from, int lowest,
                                             int weight, int target, std::int16_t* to, int& least) {
  constexpr int kGroups = unit_groups(kBits);
  const int groups = 1 << (state_bits - kBits);
  const int first = unit * kGroups;
  int best[kGroups];
  int pointer[kGroups];
  for (int n = 0; n < 1 << kBits; ++n) {
    const int state = n * groups + first;
    const int behind = from[state >> kBits] - lowest + kLeastCost;
    for (int k = 0; k < kGroups; ++k) {
      const int sum = behind + state_cost(state + k, weight, target);
      const int cost = sum < kWorstCost ? sum : kWorstCost;
      const bool better = n == 0 || cost < best[k];  // the first of equals
      best[k] = better ? cost : best[k];
      pointer[k] = better ? n : pointer[k];
    }
  }
  int pointers = 0;
  for (int k = 0; k < kGroups; ++k) {
    to[first + k] = static_cast<std::int16_t>(best[k]);
    if (best[k] < least) least = best[k];
    pointers |= pointer[k] << (k * pointer_bits(kBits));
  }
  return static_cast<std::uint8_t>(pointers);
}

// The state with the least cost from an element on, the first of equals, and that cost above kLeastCost: the
// smaller number is the better state.
LQ_HOST_DEVICE inline std::uint32_t ranked_state(const PathShape& s, int state, const std::int16_t* from,
                                                 int lowest, int weight, int target) {
  const int sum = from[state >> s.bits] - lowest + kLeastCost + state_cost(state, weight, target);
  const int cost = sum < kWorstCost ? sum : kWorstCost;
  return static_cast<std::uint32_t>(cost - kLeastCost) << 16 | static_cast<std::uint32_t>(state);
}

// The state after `state`; pointers: of the groups behind its element.
LQ_HOST_DEVICE inline int next_state(const PathShape& s, int state, const std::uint8_t* pointers) {
  const int group = state >> s.bits;
  const int count = unit_groups(s.bits);
  const int bits = pointer_bits(s.bits);
  const int pointer = pointers[group / count] >> (group % count * bits) & ((1 << bits) - 1);
  return group | pointer << (s.state_bits - s.bits);
}

// Byte `at` of the 32 * bits bytes of the tile that states[256] are the path of.
LQ_HOST_DEVICE inline std::uint8_t path_byte(int bits, const std::uint16_t* states, int at) {
  const int column = at / 2 % kTrellisSide;
  const int first = at / 2 / kTrellisSide * 16 + at % 2 * 8;  // of the column's bits
  int byte = 0;
  for (int i = 0; i < 8; ++i) {
    const int t = column * kTrellisSide + (first + i) / bits;
    byte |= (states[t] >> ((first + i) % bits) & 1) << i;
  }
  return static_cast<std::uint8_t>(byte);
}

}  // namespace lq::backends::cuda
