// How errors of codes are passed on over a matrix in regions: each region's weights are moved by the errors
// of the rows below it (through T of ErrorWeights::row_factor) and of the columns to its right (through S of
// col_factor) before they are coded. The order in which regions are coded, and what they take on, stand here;
// how a region is coded belongs to the format.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "quant/quantizer.h"

namespace lq {

inline constexpr std::int64_t kPanelRows = 64;  // rows whose errors are passed on together

struct ErrorRegion {
  std::int64_t row, rows, col, cols;
};

// Errors already made, of all rows or of one panel's.
struct PanelErrors {
  std::int64_t first_row = 0;  // of f and e
  float* f = nullptr;          // [., cols]: E plus what its rows were moved by
  float* e = nullptr;          // [., cols]: E; null without row_factor
};

// What a region takes on. moved, passed: [region.rows, region.cols], zeros before.
// moved = T^T E of the rows below (only with row_factor); passed = F S of the columns to the right.
void take_on_errors(ThreadPool& pool, const ErrorRegion& region, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& weights, const PanelErrors& errors, float* moved, float* passed);

// Calls code(coder, region, errors) for every region, of at most kPanelRows x group; each comes after all
// those that it takes errors from, so that the result does not depend on threads. make() gives a coder of one
// thread. REQUIRES: weights.col_factor.
template <class Make, class Code>
void code_panels(ThreadPool& pool, std::int64_t rows, std::int64_t cols, std::int64_t group,
                 const ErrorWeights& weights, Make make, Code code) {
  const std::int64_t down = (rows + kPanelRows - 1) / kPanelRows;
  const std::int64_t across = (cols + group - 1) / group;
  const auto region = [&](std::int64_t panel, std::int64_t g) {
    const std::int64_t row = panel * kPanelRows;
    const std::int64_t col = g * group;
    return ErrorRegion{row, std::min(kPanelRows, rows - row), col, std::min(group, cols - col)};
  };
  if (weights.row_factor == nullptr) {  // rows do not touch one another
    pool.run(down, [&](std::int64_t panel) {
      auto coder = make();
      std::vector<float> f(static_cast<std::size_t>(region(panel, 0).rows * cols));
      for (std::int64_t g = across - 1; g >= 0; --g) {
        code(coder, region(panel, g), PanelErrors{panel * kPanelRows, f.data(), nullptr});
      }
    });
    return;
  }
  // A region needs those below it and those to its right: regions on a diagonal need not wait for one
  // another.
  std::vector<float> f(static_cast<std::size_t>(rows * cols));
  std::vector<float> e(f.size());
  for (std::int64_t wave = 0; wave < down + across - 1; ++wave) {
    const std::int64_t first = std::max<std::int64_t>(0, wave - across + 1);
    const std::int64_t last = std::min(wave, down - 1);
    pool.run(last - first + 1, [&](std::int64_t k) {
      auto coder = make();
      code(coder, region(down - 1 - first - k, across - 1 - (wave - first - k)),
           PanelErrors{0, f.data(), e.data()});
    });
  }
}

}  // namespace lq
