#include "quant/trellis/trellis_feedback.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "backends/cpu/gemm.h"
#include "quant/error_panels.h"
#include "quant/trellis/strip_fit.h"
#include "quant/trellis/tile_coder.h"

namespace lq {
namespace {

constexpr std::int64_t kGroup = 128;  // columns, at least
constexpr std::int64_t kSide = backends::kTrellisSide;

// x [n] becomes the solution of x B = x, B the diagonal block at `at` of a lower triangular factor.
void solve_block(const float* factor, std::int64_t order, std::int64_t at, std::int64_t n, float* x) {
  for (std::int64_t j = n - 1; j >= 0; --j) {
    float sum = x[j];
    for (std::int64_t k = j + 1; k < n; ++k) sum -= x[k] * factor[(at + k) * order + at + j];
    x[j] = sum / factor[(at + j) * order + at + j];
  }
}

// out[n] = squared lengths of the rows of the diagonal block at `at`.
void block_lengths(const float* factor, std::int64_t order, std::int64_t at, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    float sum = 0.0F;
    for (std::int64_t k = 0; k <= i; ++k) {
      const float x = factor[(at + i) * order + at + k];
      sum += x * x;
    }
    out[i] = sum;
  }
}

class TilePass {
 public:
  TilePass(ThreadPool& pool, int state_bits, const float* w, const ErrorWeights& weights,
           TrellisStored& stored, TrellisFit* fit)
      : pool_(pool),
        state_bits_(state_bits),
        w_(w),
        weights_(weights),
        s_(weights.col_factor),
        t_(weights.row_factor),
        stored_(stored),
        fit_(fit),
        group_(std::max<std::int64_t>(kGroup, stored.config.block)) {}

  void run() {
    code_panels(
        pool_, rows(), cols(), group_, weights_, [&] { return TileCoder(stored_.config, state_bits_); },
        [&](TileCoder& coder, const ErrorRegion& g, const PanelErrors& errors) {
          code_region(coder, g, errors);
        });
  }

 private:
  std::int64_t rows() const { return stored_.rows; }
  std::int64_t cols() const { return stored_.cols; }

  void code_region(TileCoder& coder, const ErrorRegion& g, const PanelErrors& errors) {
    std::vector<float> below(static_cast<std::size_t>(g.rows * g.cols), 0.0F);  // T^T E of the rows done
    std::vector<float> passed(below.size(), 0.0F);                              // F S of the columns done
    take_on_errors(pool_, g, rows(), cols(), weights_, errors, below.data(), passed.data());
    for (std::int64_t strip = (g.rows - 1) / kSide; strip >= 0; --strip) {
      const std::int64_t r = strip * kSide;
      code_strip(coder, g, r, std::min(kSide, g.rows - r), &below[at(g, r, 0)], &passed[at(g, r, 0)], errors);
      if (t_ == nullptr || r == 0) continue;
      // What the rows above take on.
      backends::gemm(pool_, r, g.cols, std::min(kSide, g.rows - r), t_ + (g.row + r) * rows() + g.row, rows(),
                     errors.e + (g.row + r) * cols() + g.col, cols(), below.data(), g.cols,
                     {.trans_a = true, .beta = 1.0F});
    }
  }

  // Rows [r, r + n) of a region. below, passed: theirs, [n, g.cols].
  void code_strip(TileCoder& coder, const ErrorRegion& g, std::int64_t r, std::int64_t n, const float* below,
                  float* passed, const PanelErrors& errors) {
    const std::int64_t row = g.row + r;
    float row_importance[kSide];
    std::vector<float> wanted(static_cast<std::size_t>(n * g.cols));
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(w_ + (row + i) * cols() + g.col, g.cols, &wanted[at(g, i, 0)]);
    }
    if (t_ != nullptr) {
      block_lengths(t_, rows(), row, n, row_importance);
      float column[kSide];
      for (std::int64_t c = 0; c < g.cols; ++c) {
        for (std::int64_t i = 0; i < n; ++i) column[i] = below[i * g.cols + c];
        solve_block(t_, rows(), row, n, column);
        for (std::int64_t i = 0; i < n; ++i) wanted[at(g, i, c)] += column[i];
      }
    }
    const std::vector<float> before(passed, passed + n * g.cols);
    std::vector<float> units(wanted.size());
    for (std::int64_t tile = (g.cols - 1) / kSide; tile >= 0; --tile) {
      const std::int64_t c = tile * kSide;
      const std::int64_t m = std::min(kSide, g.cols - c);
      const std::int64_t col = g.col + c;
      float col_importance[kSide];
      block_lengths(s_, cols(), col, m, col_importance);
      float targets[kSide * kSide];
      for (std::int64_t i = 0; i < n; ++i) {
        float* const moved = targets + i * kSide;
        std::copy_n(passed + i * g.cols + c, m, moved);
        solve_block(s_, cols(), col, m, moved);
        for (std::int64_t j = 0; j < m; ++j) moved[j] += wanted[at(g, i, c + j)];
      }
      float of_tile[kSide * kSide];
      coder.code({row, n, col, m}, {targets, kSide, t_ == nullptr ? nullptr : row_importance, col_importance},
                 stored_, of_tile, fit_);
      float* const f = errors.f + (row - errors.first_row) * cols() + col;
      for (std::int64_t i = 0; i < n; ++i) {
        const float scale = stored_.scale((row + i) * stored_.sizes.blocks + col / stored_.config.block);
        for (std::int64_t j = 0; j < m; ++j) {
          const float unit = of_tile[i * m + j];
          units[at(g, i, c + j)] = unit;
          f[i * cols() + j] = wanted[at(g, i, c + j)] - unit * scale;
        }
      }
      if (c == 0) continue;
      // What the columns to the left of it, in the region, take on.
      backends::gemm(pool_, n, c, m, f, cols(), s_ + col * cols() + g.col, cols(), passed, g.cols,
                     {.beta = 1.0F});
    }
    for (std::int64_t i = 0; i < n; ++i) {
      fit_row_scales({s_ + g.col * cols() + g.col, cols(), g.cols}, row + i, g.col, &wanted[at(g, i, 0)],
                     &before[at(g, i, 0)], &units[at(g, i, 0)], stored_);
      float* const f = errors.f + (row + i - errors.first_row) * cols() + g.col;
      float* const e = errors.e == nullptr ? nullptr : errors.e + (row + i) * cols() + g.col;
      for (std::int64_t j = 0; j < g.cols; ++j) {
        const std::int64_t block = (row + i) * stored_.sizes.blocks + (g.col + j) / stored_.config.block;
        const float value = units[at(g, i, j)] * stored_.scale(block);
        f[j] = wanted[at(g, i, j)] - value;
        if (e != nullptr) e[j] = w_[(row + i) * cols() + g.col + j] - value;
      }
    }
  }

  static std::size_t at(const ErrorRegion& g, std::int64_t r, std::int64_t c) {
    return static_cast<std::size_t>(r * g.cols + c);
  }

  ThreadPool& pool_;
  int state_bits_;
  const float* w_;
  const ErrorWeights& weights_;
  const float* s_;
  const float* t_;
  TrellisStored& stored_;
  TrellisFit* fit_;
  std::int64_t group_;  // columns of a region: whole blocks and tiles
};

}  // namespace

void trellis_feed_back(ThreadPool& pool, int state_bits, const float* w, const ErrorWeights& weights,
                       TrellisStored& stored, TrellisFit* fit) {
  TilePass pass(pool, state_bits, w, weights, stored, fit);
  pass.run();
}

}  // namespace lq
