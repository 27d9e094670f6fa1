#include "ops/fisher_sum.h"

#include <algorithm>

#include "backends/cpu/moment_sums.h"
#include "base/error.h"

namespace lq {
namespace {

// Large tiles multiply faster; small weights are cut finer, so that threads share them out.
std::int64_t tile_rows_of(std::int64_t rows) { return rows <= 512 ? 64 : 256; }
std::int64_t tile_cols_of(std::int64_t cols) { return cols <= 512 ? 256 : 512; }

std::int64_t tile_parts(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

std::int64_t sum_doubles(std::int64_t rows, std::int64_t cols) {
  return tile_parts(cols, tile_cols_of(cols)) * rows + tile_parts(rows, tile_rows_of(rows)) * cols;
}

}  // namespace

Tensor scaled_to_f32(std::span<const double> sums, Shape shape, double factor) {
  Tensor out = Tensor::empty(DType::kF32, std::move(shape));
  backends::cpu::scaled_to_f32(out.numel(), factor, sums.data(), out.mutable_data<float>());
  return out;
}

FisherSum::FisherSum(std::int64_t rows, std::int64_t cols, bool full)
    : rows_(rows),
      cols_(cols),
      tile_rows_(tile_rows_of(rows)),
      tile_cols_(tile_cols_of(cols)),
      row_tiles_(tile_parts(rows, tile_rows_)),
      col_tiles_(tile_parts(cols, tile_cols_)),
      sums_(Tensor::zeros(DType::kF64, {sum_doubles(rows, cols)})) {
  if (full) full_ = Tensor::zeros(DType::kF64, {rows, cols});
}

std::int64_t FisherSum::bytes(std::int64_t rows, std::int64_t cols, bool full) {
  return (sum_doubles(rows, cols) + (full ? rows * cols : 0)) * static_cast<std::int64_t>(sizeof(double));
}

void FisherSum::run_job(ThreadPool& pool, std::int64_t job, const float* x, const float* dy,
                        std::span<const std::int64_t> starts) {
  const std::int64_t row_tile = job / col_tiles_;
  const std::int64_t col_tile = job % col_tiles_;
  const std::int64_t i0 = row_tile * tile_rows_;
  const std::int64_t j0 = col_tile * tile_cols_;
  const std::int64_t height = std::min(tile_rows_, rows_ - i0);
  const std::int64_t width = std::min(tile_cols_, cols_ - j0);
  double* row_sums = sums_.mutable_data<double>() + col_tile * rows_ + i0;
  double* col_sums = sums_.mutable_data<double>() + col_tiles_ * rows_ + row_tile * cols_ + j0;
  double* all = full_.numel() > 0 ? full_.mutable_data<double>() + i0 * cols_ + j0 : nullptr;
  backends::cpu::add_squared_products(pool, starts, {dy, rows_, i0, height}, {x, cols_, j0, width}, row_sums,
                                      col_sums, all, cols_);
}

std::vector<double> FisherSum::row_sums() const {
  return backends::cpu::sum_of_parts(col_tiles_, rows_, sums_.data<double>());
}

std::vector<double> FisherSum::col_sums() const {
  return backends::cpu::sum_of_parts(row_tiles_, cols_, sums_.data<double>() + col_tiles_ * rows_);
}

}  // namespace lq
