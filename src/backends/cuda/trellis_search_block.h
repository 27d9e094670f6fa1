// The search for a tile's path by a block of threads. Internal to backends/cuda, for .cu files only.
#pragma once

#include <cstdint>

#include "backends/cuda/launch.h"
#include "backends/cuda/trellis_search_element.h"
#include "backends/cuda/trellis_tile_element.h"

namespace lq::backends::cuda {

inline constexpr int kPathThreads = 256;  // at most
inline constexpr int kPathWarps = kPathThreads / kLanes;
inline constexpr int kSharedGroups = 4096;  // whose least costs lie in shared memory; more: in the workspace

// Bytes of a block of threads' workspace: a tile's pointers, then the least costs of the groups behind and
// before an element.
LQ_HOST_DEVICE inline std::int64_t path_workspace(const PathShape& s) {
  const std::int64_t least = path_groups(s) > kSharedGroups ? 4 * std::int64_t{path_groups(s)} : 0;
  return std::int64_t{kTrellisTile} * path_units(s) + least;
}

struct PathShared {
  PathSteps steps;
  float wanted[kTrellisTile];
  float importance[kTrellisTile];
  double most[kPathThreads];
  std::uint16_t states[kTrellisTile];
  std::int16_t least[2][kSharedGroups];
  int lowest[2][kPathWarps];
  std::uint32_t ranks[kPathWarps];
  int start;
  int closed;
};

// A block's threads, and what they work with.
struct PathWork {
  PathShape shape;
  int thread = 0, threads = 0;
  std::uint8_t* pointers = nullptr;
  std::int16_t* least[2] = {nullptr, nullptr};
};

__device__ inline PathWork path_work(const PathShape& shape, std::uint8_t* workspace, PathShared& shared) {
  PathWork work;
  work.shape = shape;
  work.thread = static_cast<int>(threadIdx.x);
  work.threads = static_cast<int>(blockDim.x);
  work.pointers = workspace + blockIdx.x * path_workspace(shape);
  work.least[0] = shared.least[0];
  work.least[1] = shared.least[1];
  if (path_groups(shape) > kSharedGroups) {
    work.least[0] =
        reinterpret_cast<std::int16_t*>(work.pointers + std::int64_t{kTrellisTile} * path_units(shape));
    work.least[1] = work.least[0] + path_groups(shape);
  }
  return work;
}

// The largest of all threads' numbers, in every thread.
__device__ inline double most_of_block(const PathWork& work, double mine, double* room) {
  room[work.thread] = mine;
  __syncthreads();
  for (int half = work.threads / 2; half > 0; half /= 2) {
    if (work.thread < half && room[work.thread] < room[work.thread + half])
      room[work.thread] = room[work.thread + half];
    __syncthreads();
  }
  const double most = room[0];
  __syncthreads();
  return most;
}

// Pointers of `count` elements, the last of the tile and then (guess) the first half of them, or of the tile;
// guess: gives the best state at the first of them in shared.start.
template <int kBits>
__device__ void search_pass(const PathWork& work, int start, int count, bool guess, PathShared& shared) {
  const int units = path_units(work.shape);
  const int warps = work.threads / kLanes;
  int from = 0;
  for (int unit = work.thread; unit < units; unit += work.threads)
    work.pointers[(count - 1) * units + unit] = end_unit(work.shape, start, unit, work.least[0]);
  if (work.thread < warps) shared.lowest[0][work.thread] = kLeastCost;
  __syncthreads();
  for (int j = count - 1;; --j) {
    int lowest = kWorstCost;
    for (int w = 0; w < warps; ++w) {
      if (shared.lowest[from][w] < lowest) lowest = shared.lowest[from][w];
    }
    const int t = guess ? (kTrellisTile - kPathGuess + j) % kTrellisTile : j;
    const int weight = shared.steps.weights[t];
    const int target = shared.steps.targets[t];
    if (j == 0) {
      if (!guess) return;
      std::uint32_t best = 0xffffffffU;
      for (int state = work.thread; state < 1 << work.shape.state_bits; state += work.threads) {
        const std::uint32_t rank = ranked_state(work.shape, state, work.least[from], lowest, weight, target);
        if (rank < best) best = rank;
      }
      for (int offset = kLanes / 2; offset > 0; offset /= 2) {
        const std::uint32_t other = __shfl_xor_sync(0xffffffffU, best, offset);
        if (other < best) best = other;
      }
      if (work.thread % kLanes == 0) shared.ranks[work.thread / kLanes] = best;
      __syncthreads();
      if (work.thread == 0) {
        for (int w = 1; w < warps; ++w) {
          if (shared.ranks[w] < best) best = shared.ranks[w];
        }
        shared.start = static_cast<int>(best & 0xffffU);
      }
      return;
    }
    int least = kWorstCost;
    for (int unit = work.thread; unit < units; unit += work.threads) {
      work.pointers[(j - 1) * units + unit] = step_unit<kBits>(
          work.shape.state_bits, unit, work.least[from], lowest, weight, target, work.least[1 - from], least);
    }
    for (int offset = kLanes / 2; offset > 0; offset /= 2) {
      const int other = __shfl_xor_sync(0xffffffffU, least, offset);
      if (other < least) least = other;
    }
    if (work.thread % kLanes == 0) shared.lowest[1 - from][work.thread / kLanes] = least;
    from = 1 - from;
    __syncthreads();
  }
}

// shared.states = the path of the tile whose wanted values and importance, and scales[16] of its rows, are
// given; elements beyond the tile have importance 0. All threads must come here, after a barrier; all may
// read the states then.
template <int kBits>
__device__ void search_path(const PathWork& work, const float* scales, PathShared& shared) {
  double most = 0.0;
  for (int t = work.thread; t < kTrellisTile; t += work.threads) {
    const double root = step_root(shared.importance[t]) * scales[t % kTrellisSide];
    if (most < root) most = root;
  }
  most = most_of_block(work, most, shared.most);
  for (int t = work.thread; t < kTrellisTile; t += work.threads) {
    const float scale = scales[t % kTrellisSide];
    shared.steps.weights[t] = step_weight(scale, shared.importance[t], most);
    shared.steps.targets[t] = step_target(shared.wanted[t], shared.importance[t], most);
  }
  __syncthreads();
  const int units = path_units(work.shape);
  search_pass<kBits>(work, -1, 2 * kPathGuess, true, shared);
  if (work.thread == 0) {
    int start = shared.start;
    for (int j = 0; j < kPathGuess; ++j) start = next_state(work.shape, start, work.pointers + j * units);
    shared.start = start;
  }
  __syncthreads();
  for (;;) {
    search_pass<kBits>(work, shared.start, kTrellisTile, false, shared);
    if (work.thread == 0) {
      int state = shared.start;
      for (int t = 0; t < kTrellisTile; ++t) {
        shared.states[t] = static_cast<std::uint16_t>(state);
        state = next_state(work.shape, state, work.pointers + t * units);
      }
      shared.closed = state == shared.start ? 1 : 0;
    }
    __syncthreads();
    if (shared.closed != 0) return;
    // Costs so large that a way back to the start looks no better than none: smaller ones.
    for (int t = work.thread; t < kTrellisTile; t += work.threads) {
      shared.steps.weights[t] = static_cast<std::int16_t>(shared.steps.weights[t] >> 1);
      shared.steps.targets[t] = static_cast<std::int16_t>(shared.steps.targets[t] >> 1);
    }
    __syncthreads();
  }
}

// The tile's bytes of codes.
__device__ inline void store_path(const PathWork& work, const TrellisCodes& c, const TileAt& tile,
                                  const PathShared& shared) {
  std::uint8_t* const bytes =
      c.codes + (tile.row / kTrellisSide * c.tiles + tile.col / kTrellisSide) * 32 * c.bits;
  for (int at = work.thread; at < 32 * c.bits; at += work.threads)
    bytes[at] = path_byte(c.bits, shared.states, at);
}

// importance and what it is relative to: of a tile with these weights of its rows and columns. All threads
// must come here.
__device__ inline float load_importance(const PathWork& work, const TileAt& tile, const float* rows,
                                        const float* cols, PathShared& shared) {
  double mine = 0.0;
  for (int t = work.thread; t < kTrellisTile; t += work.threads) {
    const int i = t % kTrellisSide;
    const int j = t / kTrellisSide;
    if (i >= tile.rows || j >= tile.cols) continue;
    const double importance = tile_importance(rows, cols, i, j);
    if (mine < importance) mine = importance;
  }
  const auto most = static_cast<float>(most_of_block(work, mine, shared.most));
  for (int t = work.thread; t < kTrellisTile; t += work.threads) {
    const int i = t % kTrellisSide;
    const int j = t / kTrellisSide;
    shared.importance[t] =
        i < tile.rows && j < tile.cols ? relative_importance(tile_importance(rows, cols, i, j), most) : 0.0F;
  }
  return most;
}

}  // namespace lq::backends::cuda
