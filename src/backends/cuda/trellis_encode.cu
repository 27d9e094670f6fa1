#include "backends/cuda/trellis_encode.h"

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/trellis_search_block.h"

namespace lq::backends::cuda {
namespace {

constexpr int kScaleThreads = 256;
constexpr unsigned kMostScaleParts = 1024;

// The smallest of a block of kScaleThreads threads, in every thread; all must come here.
__device__ float smallest_target(float mine, float* shared) {
  const int thread = static_cast<int>(threadIdx.x);
  shared[thread] = mine;
  __syncthreads();
  for (int half = kScaleThreads / 2; half > 0; half /= 2) {
    if (thread < half && shared[thread + half] < shared[thread]) shared[thread] = shared[thread + half];
    __syncthreads();
  }
  const float smallest = shared[0];
  __syncthreads();
  return smallest;
}

// A block of weights a thread; parts: the smallest of each block of threads.
__global__ void __launch_bounds__(kScaleThreads)
    scale_targets(TrellisCodes c, const float* target, const float* col_weights, float* targets,
                  float* parts) {
  __shared__ float shared[kScaleThreads];
  float smallest = kLargestFloat;
  const std::int64_t stride = std::int64_t{gridDim.x} * kScaleThreads;
  for (std::int64_t index = std::int64_t{blockIdx.x} * kScaleThreads + threadIdx.x; index < c.rows * c.blocks;
       index += stride) {
    const std::int64_t col = index % c.blocks * c.block;
    const std::int64_t count = c.cols - col < c.block ? c.cols - col : c.block;
    const float wanted = trellis_scale_target(c.bits, target + index / c.blocks * c.cols + col,
                                              col_weights == nullptr ? nullptr : col_weights + col, count);
    targets[index] = wanted;
    if (wanted < smallest) smallest = wanted;
  }
  smallest = smallest_target(smallest, shared);
  if (threadIdx.x == 0) parts[blockIdx.x] = smallest;
}

// Both levels: a block of weights a thread, a group of them a block of threads.
static_assert(kScaleThreads == kTrellisBlocks2);
__global__ void __launch_bounds__(kScaleThreads)
    store_scales(TrellisCodes c, const float* targets, unsigned count, const float* parts) {
  __shared__ float shared[kScaleThreads];
  const int thread = static_cast<int>(threadIdx.x);
  float mine = kLargestFloat;
  for (unsigned part = threadIdx.x; part < count; part += kScaleThreads) {
    if (parts[part] < mine) mine = parts[part];
  }
  const float offset = smallest_target(mine, shared);
  const std::int64_t index = std::int64_t{blockIdx.x} * kScaleThreads + thread;
  const bool there = index < c.rows * c.blocks;
  const float target = there ? targets[index] : offset;
  const float largest = -smallest_target(-target, shared);
  const float scale2 = largest - offset;
  if (thread == 0) c.scales2[blockIdx.x] = scale2;
  if (thread == 0 && blockIdx.x == 0) *c.offset = offset;
  if (there) c.scales[index] = trellis_scale_code(target, offset, scale2 / 255.0F);
}

// A strip and a block of its columns at a time, tile after tile.
template <int kBits>
__global__ void __launch_bounds__(kPathThreads)
    code_tiles(TrellisCodes c, const float* target, RoundingWeights weights, TrellisFitSums fit,
               std::uint8_t* workspace) {
  __shared__ PathShared shared;
  __shared__ float scales[kTrellisSide];
  const PathWork work = path_work({kBits, c.state_bits}, workspace, shared);
  const int thread = work.thread;
  const std::int64_t items = (c.rows + kTrellisSide - 1) / kTrellisSide * c.blocks;
  for (std::int64_t item = blockIdx.x; item < items; item += gridDim.x) {
    const std::int64_t row = item / c.blocks * kTrellisSide;
    const std::int64_t block = item % c.blocks;
    const std::int64_t end = (block + 1) * c.block < c.cols ? (block + 1) * c.block : c.cols;
    if (thread < kTrellisSide)
      scales[thread] = row + thread < c.rows ? trellis_scale(c, (row + thread) * c.blocks + block) : 0.0F;
    double product = 0.0;
    double square = 0.0;
    for (std::int64_t col = block * c.block; col < end; col += kTrellisSide) {
      const TileAt tile = tile_at(c, row, col);
      for (int t = thread; t < kTrellisTile; t += work.threads) {
        // Along rows, as they lie in memory.
        const int i = t / kTrellisSide;
        const int j = t % kTrellisSide;
        shared.wanted[j * kTrellisSide + i] =
            i < tile.rows && j < tile.cols ? target[(row + i) * c.cols + col + j] : 0.0F;
      }
      const float most = load_importance(work, tile, weights.rows == nullptr ? nullptr : weights.rows + row,
                                         weights.cols == nullptr ? nullptr : weights.cols + col, shared);
      __syncthreads();
      search_path<kBits>(work, scales, shared);
      store_path(work, c, tile, shared);
      if (fit.products != nullptr && thread < tile.rows)
        add_to_fit(tile, thread, most, shared.wanted, shared.importance, shared.states, product, square);
      __syncthreads();
    }
    if (fit.products != nullptr && thread < kTrellisSide && row + thread < c.rows) {
      fit.products[(row + thread) * c.blocks + block] = product;
      fit.squares[(row + thread) * c.blocks + block] = square;
    }
  }
}

struct RefitScales {
  TrellisFitSums fit;
  TrellisCodes codes;
  __device__ void operator()(std::int64_t index) const { refit_scale(fit, index, codes); }
};

// A column of a region a thread.
struct WantColumns {
  TrellisFeedback q;
  TrellisWave wave;
  __device__ void operator()(std::int64_t i) const {
    const RegionAt g = region_at(q, wave, static_cast<int>(i / q.group));
    const auto c = static_cast<int>(i % q.group);
    if (c < g.cols) want_column(q, g, c);
  }
};

// A region at a time.
template <int kBits>
__global__ void __launch_bounds__(kPathThreads)
    code_regions(TrellisFeedback q, TrellisWave wave, std::uint8_t* workspace) {
  __shared__ PathShared shared;
  __shared__ float scales[kTrellisSide];
  __shared__ float errors[kTrellisSide][kTrellisSide];
  const TrellisCodes& c = q.codes;
  const PathWork work = path_work({kBits, c.state_bits}, workspace, shared);
  const int thread = work.thread;
  for (int region = static_cast<int>(blockIdx.x); region < wave.count;
       region += static_cast<int>(gridDim.x)) {
    const RegionAt g = region_at(q, wave, region);
    double product = 0.0;
    double square = 0.0;
    for (int tile_col = (g.cols - 1) / kTrellisSide * kTrellisSide; tile_col >= 0; tile_col -= kTrellisSide) {
      const TileAt tile = tile_at(c, g.row, g.col + tile_col);
      const std::int64_t block = tile.col / c.block;
      for (int t = thread; t < kTrellisTile; t += work.threads) shared.wanted[t] = 0.0F;
      __syncthreads();
      if (thread < kTrellisSide) scales[thread] = 0.0F;
      if (thread < tile.rows) {
        const std::int64_t at = (g.row + thread) * q.group + tile_col;
        float moved[kTrellisSide];
        for (int j = 0; j < tile.cols; ++j) moved[j] = q.passed[at + j];
        solve_tile(q.s, c.cols, tile.col, tile.cols, moved);
        for (int j = 0; j < tile.cols; ++j)
          shared.wanted[j * kTrellisSide + thread] = moved[j] + q.below[at + j];
        scales[thread] = trellis_scale(c, (g.row + thread) * c.blocks + block);
      }
      const float most = load_importance(work, tile, q.tile_rows == nullptr ? nullptr : q.tile_rows + g.row,
                                         q.tile_cols + tile.col, shared);
      __syncthreads();
      search_path<kBits>(work, scales, shared);
      store_path(work, c, tile, shared);
      for (int t = thread; t < kTrellisTile; t += work.threads) {
        const int i = t % kTrellisSide;
        const int j = t / kTrellisSide;
        if (i >= tile.rows || j >= tile.cols) continue;
        const std::int64_t at = (g.row + i) * q.group + tile_col + j;
        const auto unit = static_cast<float>(trellis_state_value(shared.states[t]));
        q.units[at] = unit;
        errors[i][j] = q.below[at] - unit * scales[i];
      }
      if (q.fit.products != nullptr && thread < tile.rows) {
        add_to_fit(tile, thread, most, shared.wanted, shared.importance, shared.states, product, square);
        if (tile.col % c.block == 0) {  // the block's last tile to be coded
          q.fit.products[(g.row + thread) * c.blocks + block] = product;
          q.fit.squares[(g.row + thread) * c.blocks + block] = square;
          product = 0.0;
          square = 0.0;
        }
      }
      __syncthreads();
      for (int k = thread; k < tile.rows * tile_col; k += work.threads) {
        const int i = k / tile_col;
        float& passed = q.passed[(g.row + i) * q.group + k % tile_col];
        passed =
            passed_on(passed, errors[i], q.s + tile.col * c.cols + g.col, c.cols, tile.cols, k % tile_col);
      }
      __syncthreads();
    }
  }
}

// A row of a region a block of threads, a column a thread.
__global__ void __launch_bounds__(kFitThreads) fit_rows(TrellisFeedback q, TrellisWave wave) {
  __shared__ float units[kRegionCols];
  __shared__ float errors[kRegionCols];
  __shared__ double left[kRegionCols];
  __shared__ double made[kFitShares];
  __shared__ double change;
  const TrellisCodes& c = q.codes;
  const RegionAt g = region_at(q, wave, static_cast<int>(blockIdx.x) / kTrellisSide);
  const int i = static_cast<int>(blockIdx.x) % kTrellisSide;
  if (i >= g.rows) return;
  const int j = static_cast<int>(threadIdx.x);
  const bool there = j < g.cols;
  const std::int64_t row = g.row + i;
  const std::int64_t at = row * q.group + j;
  const std::int64_t first = row * c.blocks + g.col / c.block;
  const int blocks = (g.cols + c.block - 1) / c.block;
  const float* const s = q.s + g.col * c.cols + g.col;
  const float wanted = there ? q.below[at] : 0.0F;
  if (there) {
    units[j] = q.units[at];
    errors[j] = wanted - units[j] * trellis_scale(c, first + j / c.block);
  }
  __syncthreads();
  if (there) {
    double sum = q.before[at];
    add_factor_column(s, c.cols, 0, g.cols, errors, j, sum);
    left[j] = sum;
    for (int b = 0; b < blocks; ++b) {
      const int end = (b + 1) * c.block < g.cols ? (b + 1) * c.block : g.cols;
      double share = 0.0;
      add_factor_column(s, c.cols, b * c.block, end, units, j, share);
      made[b * g.cols + j] = share;
    }
  }
  __syncthreads();
  for (int round = 0; round < kFitRounds; ++round) {
    for (int b = blocks - 1; b >= 0; --b) {
      if (j == 0) {
        const double step = trellis_step(c, first + b);
        const int by = fitted_change(c.scales[first + b], step, left, made + b * g.cols, g.cols);
        c.scales[first + b] = static_cast<std::uint8_t>(c.scales[first + b] + by);
        change = by * step;
      }
      __syncthreads();
      if (there && change != 0.0) left[j] -= change * made[b * g.cols + j];
      __syncthreads();
    }
  }
  if (!there) return;
  const float value = units[j] * trellis_scale(c, first + j / c.block);
  const std::int64_t element = row * c.cols + g.col + j;
  q.f[element] = wanted - value;
  if (q.e != nullptr) q.e[element] = q.w[element] - value;
}

// How many blocks of threads search at a time, of how many threads each, and where.
struct PathLaunch {
  unsigned grid = 1;
  unsigned threads = kLanes;
  std::uint8_t* workspace = nullptr;
};

PathLaunch path_launch(DeviceQueue& queue, const TrellisCodes& c, std::int64_t items) {
  const PathShape shape{c.bits, c.state_bits};
  const std::int64_t each = path_workspace(shape);
  std::int64_t grid = kPathBytes / each < items ? kPathBytes / each : items;
  if (grid < 1) grid = 1;
  const int units = path_units(shape);
  PathLaunch launch;
  launch.grid = static_cast<unsigned>(grid);
  launch.threads = static_cast<unsigned>(units < kLanes         ? kLanes
                                         : units < kPathThreads ? units
                                                                : kPathThreads);
  launch.workspace = buffer_of<std::uint8_t>(queue, Buffer::kPaths, grid * each);
  return launch;
}

}  // namespace

void trellis_scales(DeviceQueue& queue, const float* target, const float* col_weights,
                    const TrellisCodes& codes, float* room) {
  const std::int64_t count = codes.rows * codes.blocks;
  const std::int64_t wanted = (count + kScaleThreads - 1) / kScaleThreads;
  const auto parts = static_cast<unsigned>(wanted < kMostScaleParts ? wanted : kMostScaleParts);
  auto* const smallest = buffer_of<float>(queue, Buffer::kPartial, kMostScaleParts);
  const cudaStream_t stream = use(queue);
  scale_targets<<<parts, kScaleThreads, 0, stream>>>(codes, target, col_weights, room, smallest);
  store_scales<<<static_cast<unsigned>(wanted), kScaleThreads, 0, stream>>>(codes, room, parts, smallest);
  check(cudaGetLastError(), "scales of a trellis code");
}

void trellis_tiles(DeviceQueue& queue, const float* target, const RoundingWeights& weights,
                   const TrellisCodes& codes, const TrellisFitSums& fit) {
  const std::int64_t strips = (codes.rows + kTrellisSide - 1) / kTrellisSide;
  const PathLaunch to = path_launch(queue, codes, strips * codes.blocks);
  const cudaStream_t stream = use(queue);
  if (codes.bits == 2) {
    code_tiles<2><<<to.grid, to.threads, 0, stream>>>(codes, target, weights, fit, to.workspace);
  } else if (codes.bits == 3) {
    code_tiles<3><<<to.grid, to.threads, 0, stream>>>(codes, target, weights, fit, to.workspace);
  } else {
    code_tiles<4><<<to.grid, to.threads, 0, stream>>>(codes, target, weights, fit, to.workspace);
  }
  check(cudaGetLastError(), "paths of a trellis code");
}

void trellis_refit(DeviceQueue& queue, const TrellisFitSums& fit, const TrellisCodes& codes) {
  for_each(queue, "a fit of scales", codes.rows * codes.blocks, RefitScales{fit, codes});
}

void trellis_regions(DeviceQueue& queue, const TrellisFeedback& feedback, const TrellisWave& wave) {
  if (wave.count == 0) return;
  for_each(queue, "feedback", std::int64_t{wave.count} * feedback.group, WantColumns{feedback, wave});
  const PathLaunch to = path_launch(queue, feedback.codes, wave.count);
  const cudaStream_t stream = use(queue);
  if (feedback.codes.bits == 2) {
    code_regions<2><<<to.grid, to.threads, 0, stream>>>(feedback, wave, to.workspace);
  } else if (feedback.codes.bits == 3) {
    code_regions<3><<<to.grid, to.threads, 0, stream>>>(feedback, wave, to.workspace);
  } else {
    code_regions<4><<<to.grid, to.threads, 0, stream>>>(feedback, wave, to.workspace);
  }
  fit_rows<<<static_cast<unsigned>(wave.count * kTrellisSide), kFitThreads, 0, stream>>>(feedback, wave);
  check(cudaGetLastError(), "feedback between the tiles of a trellis code");
}

}  // namespace lq::backends::cuda
