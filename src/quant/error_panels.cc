#include "quant/error_panels.h"

#include "backends/cpu/gemm.h"

namespace lq {

void take_on_errors(ThreadPool& pool, const ErrorRegion& region, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& weights, const PanelErrors& errors, float* moved, float* passed) {
  const ErrorRegion& g = region;
  const std::int64_t under = g.row + g.rows;
  if (weights.row_factor != nullptr && under < rows) {
    backends::gemm(pool, g.rows, g.cols, rows - under, weights.row_factor + under * rows + g.row, rows,
                   errors.e + under * cols + g.col, cols, moved, g.cols, {.trans_a = true});
  }
  const std::int64_t right = g.col + g.cols;
  if (right < cols) {
    backends::gemm(pool, g.rows, g.cols, cols - right, errors.f + (g.row - errors.first_row) * cols + right,
                   cols, weights.col_factor + right * cols + g.col, cols, passed, g.cols);
  }
}

}  // namespace lq
