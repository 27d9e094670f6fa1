// The search for the path of a tile of a trellis code (backends/trellis_view.h) whose values are nearest to
// what they should be: Viterbi's, in whole numbers, so that every SIMD target finds the same path.
// quant/trellis/trellis_reference.h has the same in plain loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "backends/trellis_view.h"

namespace lq::backends {

// Elements on either side of a tile's end by which the state there is guessed.
inline constexpr int kTrellisGuess = 32;

// What a state with value v costs at element t: (2 (64 v weights[t] / 2^15 - targets[t]))^2 / 2^16, rounded
// and clamped to 16 bits on the way.
struct TrellisSteps {
  alignas(64) std::int16_t weights[kTrellisTile];  // not negative
  alignas(64) std::int16_t targets[kTrellisTile];
};

// Steps for errors (scales[t] v - targets[t])^2 importance[t] of 256 elements. REQUIRES: finite, scales and
// importance not negative.
void trellis_steps(const float* scales, const float* targets, const float* importance, TrellisSteps& steps);

// One thread's search, with its workspace: some 2^state_bits (4 + 320 / 2^bits) bytes.
class TrellisSearch {
 public:
  // REQUIRES: 2 <= bits <= 4; kMinStateBits <= state_bits <= kMaxStateBits.
  TrellisSearch(int bits, int state_bits);

  // states[256]: the path, each state the one before shifted down by `bits` with new bits on top, the first
  // again after the last. It is the best from the state that the best path round the tile's end, free at its
  // own ends, has there, back to it.
  void run(const TrellisSteps& steps, std::uint16_t* states);

 private:
  void step(const TrellisSteps& steps, int t, int place);
  bool close(const TrellisSteps& steps, int start, std::uint16_t* states);
  int next(int state, int place) const;

  struct Free {
    void operator()(void* p) const;
  };
  template <typename T>
  using Aligned = std::unique_ptr<T[], Free>;
  template <typename T>
  static Aligned<T> aligned(std::size_t count);

  int bits_;
  int state_bits_;
  Aligned<std::int16_t> values_;     // 64 times the value of each state
  Aligned<std::int16_t> costs_;      // of the rest of the path, from each state
  Aligned<std::int16_t> least_;      // the least among the states that can follow
  Aligned<std::uint8_t> decisions_;  // which it is, for each element
};

// bytes[32 * bits] = the tile that the states are the path of.
void trellis_pack(int bits, const std::uint16_t* states, std::uint8_t* bytes);

}  // namespace lq::backends
