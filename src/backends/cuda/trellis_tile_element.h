// One tile of a trellis code on its way, as CUDA threads compute it (trellis_encode.cu): the arithmetic of
// quant/trellis/tile_coder.h and trellis_feedback.h in the same order. Compile without fused multiply-add.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/trellis_scale_element.h"

namespace lq::backends::cuda {

// Where a tile lies, 16 x 16 elements or what the matrix has of them.
struct TileAt {
  std::int64_t row = 0, col = 0;
  int rows = 0, cols = 0;
};
LQ_HOST_DEVICE inline TileAt tile_at(const TrellisCodes& c, std::int64_t row, std::int64_t col) {
  const auto least = [](std::int64_t left) { return static_cast<int>(left < kTrellisSide ? left : 16); };
  return {row, col, least(c.rows - row), least(c.cols - col)};
}

// What an element's squared error counts; either may be null: ones. Of a tile's rows and columns.
LQ_HOST_DEVICE inline float tile_importance(const float* rows, const float* cols, int i, int j) {
  return (rows == nullptr ? 1.0F : rows[i]) * (cols == nullptr ? 1.0F : cols[j]);
}
// most: the largest of the tile. What does not matter counts a ten thousandth of it.
LQ_HOST_DEVICE inline float relative_importance(float importance, float most) {
  if (!(most > 0.0F)) return 1.0F;
  const float share = importance / most;
  return share < 1e-4F ? 1e-4F : share;
}

// What the tile's row i adds to the fit of its block; wanted, importance and states by element of the tile.
LQ_HOST_DEVICE inline void add_to_fit(const TileAt& tile, int i, float most, const float* wanted,
                                      const float* importance, const std::uint16_t* states, double& product,
                                      double& square) {
  for (int j = 0; j < tile.cols; ++j) {
    const int t = j * kTrellisSide + i;
    const double weight = static_cast<double>(importance[t]) * static_cast<double>(most);
    const auto value = static_cast<float>(trellis_state_value(states[t]));
    product += weight * static_cast<double>(wanted[t]) * static_cast<double>(value);
    square += weight * static_cast<double>(value) * static_cast<double>(value);
  }
}

// Element j of x [n], of which those after it are solved: of x B = x, B the diagonal block at `at` of a lower
// triangular factor of `order`; x's elements `stride` apart.
LQ_HOST_DEVICE inline void solve_tile(const float* factor, std::int64_t order, std::int64_t at, int n,
                                      float* x) {
  for (int j = n - 1; j >= 0; --j) {
    float sum = x[j];
    for (int k = j + 1; k < n; ++k) sum = sum - x[k] * factor[(at + k) * order + at + j];
    x[j] = sum / factor[(at + j) * order + at + j];
  }
}

// The squared length of row i of the diagonal block at `at`: what an element of a tile counts by.
LQ_HOST_DEVICE inline float tile_length(const float* factor, std::int64_t order, std::int64_t at, int i) {
  float sum = 0.0F;
  for (int k = 0; k <= i; ++k) {
    const float x = factor[(at + i) * order + at + k];
    sum = sum + x * x;
  }
  return sum;
}

// What the columns to the left of a tile take on of its errors, at column k of the tile's region: f [cols] of
// one row, s: the factor's first row of the tile, from the region's first column on.
LQ_HOST_DEVICE inline float passed_on(float passed, const float* f, const float* s, std::int64_t order,
                                      int cols, int k) {
  float sum = passed;
  for (int j = 0; j < cols; ++j) sum = sum + f[j] * s[j * order + k];
  return sum;
}

// --- regions: a strip of 16 rows and the columns of some blocks, coded from the last tile to the first ---

inline constexpr int kRegionCols = 256;  // at most: a block's columns, or 128

// What feedback from tile to tile works on; all of it memory of the device.
struct TrellisFeedback {
  TrellisCodes codes;
  const float* w = nullptr;          // [rows, cols]
  const float* s = nullptr;          // [cols, cols]: of the columns
  const float* t = nullptr;          // [rows, rows]: of the rows; null: the identity
  const float* tile_rows = nullptr;  // [rows]: tile_length; null without t
  const float* tile_cols = nullptr;  // [cols]
  int group = 0;                     // columns of a region: whole blocks
  float* below = nullptr;   // [rows, group]: T^T E of the rows done; then what is wanted of the weights
  float* passed = nullptr;  // [rows, group]: F S of the columns done
  float* before = nullptr;  // [rows, group]: the same, of the regions done alone
  float* units = nullptr;   // [rows, group]: values of the states
  float* f = nullptr;       // [rows, cols]: E plus what its rows were moved by
  float* e = nullptr;       // [rows, cols]: E; null without t
  TrellisFitSums fit;
};

// Regions that do not wait for one another: region k lies in strip first_strip - k and in group
// first_group + k * group_step.
struct TrellisWave {
  int count = 0;
  std::int64_t first_strip = 0;
  std::int64_t first_group = 0;
  int group_step = 0;
};

struct RegionAt {
  std::int64_t row, col;
  int rows, cols;
};
LQ_HOST_DEVICE inline RegionAt region_at(const TrellisFeedback& q, const TrellisWave& wave, int k) {
  const std::int64_t row = (wave.first_strip - k) * kTrellisSide;
  const std::int64_t col = (wave.first_group + k * wave.group_step) * q.group;
  const std::int64_t rows = q.codes.rows - row;
  const std::int64_t cols = q.codes.cols - col;
  return {row, col, static_cast<int>(rows < kTrellisSide ? rows : kTrellisSide),
          static_cast<int>(cols < q.group ? cols : q.group)};
}

// Column c of a region: what is wanted of it, once the rows below have moved it.
LQ_HOST_DEVICE inline void want_column(const TrellisFeedback& q, const RegionAt& g, int c) {
  float moved[kTrellisSide];
  for (int i = 0; i < g.rows; ++i) moved[i] = q.t == nullptr ? 0.0F : q.below[(g.row + i) * q.group + c];
  if (q.t != nullptr) solve_tile(q.t, q.codes.rows, g.row, g.rows, moved);
  for (int i = 0; i < g.rows; ++i) {
    const std::int64_t at = (g.row + i) * q.group + c;
    const float w = q.w[(g.row + i) * q.codes.cols + g.col + c];
    q.below[at] = q.t == nullptr ? w : w + moved[i];
    q.before[at] = q.passed[at];
  }
}

}  // namespace lq::backends::cuda
