// The sum over sequences of squared weight gradients, (dy^T x)^2 elementwise: its row and column sums, and
// all of it on request. No gradient is ever whole in memory: tiles of it are made, squared, summed and
// dropped.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"
#include "tensor/workspace.h"

namespace lq {

// factor * sums as f32 of that shape. REQUIRES: as many sums as the shape holds.
Tensor scaled_to_f32(std::span<const double> sums, Shape shape, double factor);

class FisherSum {
 public:
  FisherSum() = default;
  // A weight [rows, cols]. full: keep F itself, in double.
  FisherSum(std::int64_t rows, std::int64_t cols, bool full);
  // Zero, on the context's device.
  FisherSum(Context& ctx, std::int64_t rows, std::int64_t cols, bool full);

  static std::int64_t bytes(std::int64_t rows, std::int64_t cols, bool full);

  // For each sequence, tokens [starts[s], starts[s + 1]) of x: [tokens, cols] and dy: [tokens, rows], in
  // their order: sum += (dy_s^T x_s)^2. As jobs 0 .. jobs()-1 that may run in any order or at once (from
  // inside a body of the pool); every job once for each group of sequences, one group after the other.
  std::int64_t jobs() const { return row_tiles_ * col_tiles_; }
  void run_job(ThreadPool& pool, std::int64_t job, const float* x, const float* dy,
               std::span<const std::int64_t> starts);
  // The same as a whole on the device that the sums lie on, in the context's MatmulPrecision. Not on the
  // processor.
  void add(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy, std::span<const std::int64_t> starts);
  // Floats of a workspace that add() takes for sequences of up to `tokens` tokens.
  static std::int64_t scratch(std::int64_t rows, std::int64_t cols, std::int64_t tokens);
  // From where it lies. What follows is of the processor.
  void to_host(Context& ctx);

  // Sums over each row [rows] and each column [cols].
  std::vector<double> row_sums() const;
  std::vector<double> col_sums() const;
  // [rows, cols]; REQUIRES: full.
  std::span<const double> full() const {
    return {full_.data<double>(), static_cast<std::size_t>(full_.numel())};
  }

  // All of the state, where it lies, for saving and bringing back: F64, of shapes that depend on the weight's
  // only. The second one is empty without `full`.
  Tensor& sums() { return sums_; }
  Tensor& full_sums() { return full_; }

 private:
  FisherSum(std::int64_t rows, std::int64_t cols, Tensor sums, Tensor full);

  std::int64_t rows_ = 0, cols_ = 0;
  std::int64_t tile_rows_ = 1, tile_cols_ = 1;
  std::int64_t row_tiles_ = 0, col_tiles_ = 0;
  // Each job adds to sums of its own: [col_tiles, rows] of rows, then [row_tiles, cols] of columns.
  Tensor sums_;
  Tensor full_;
};

}  // namespace lq
