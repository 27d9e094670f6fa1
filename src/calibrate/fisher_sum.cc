#include "calibrate/fisher_sum.h"

#include <algorithm>
#include <memory>

#include "backends/cpu/gemm.h"

namespace lq {
namespace {

// Large tiles multiply faster; small weights are cut finer, so that threads share them out.
std::int64_t tile_rows_of(std::int64_t rows) { return rows <= 512 ? 64 : 256; }
std::int64_t tile_cols_of(std::int64_t cols) { return cols <= 512 ? 256 : 512; }

std::int64_t parts(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

std::int64_t sum_doubles(std::int64_t rows, std::int64_t cols) {
  return parts(cols, tile_cols_of(cols)) * rows + parts(rows, tile_rows_of(rows)) * cols;
}

// v becomes v^2, cols += them; returns their sum, added up in eight interleaved parts.
double square_row(std::int64_t n, float* v, float* cols) {
  float lanes[8] = {};
  std::int64_t j = 0;
  for (; j + 8 <= n; j += 8) {
    for (std::int64_t l = 0; l < 8; ++l) {
      const float square = v[j + l] * v[j + l];
      v[j + l] = square;
      cols[j + l] += square;
      lanes[l] += square;
    }
  }
  double sum = 0.0;
  for (const float lane : lanes) sum += lane;
  for (; j < n; ++j) {
    v[j] *= v[j];
    cols[j] += v[j];
    sum += v[j];
  }
  return sum;
}

}  // namespace

FisherSum::FisherSum(std::int64_t rows, std::int64_t cols, bool full)
    : rows_(rows),
      cols_(cols),
      tile_rows_(tile_rows_of(rows)),
      tile_cols_(tile_cols_of(cols)),
      row_tiles_(parts(rows, tile_rows_)),
      col_tiles_(parts(cols, tile_cols_)),
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
  const auto tile = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(height * width));
  std::vector<float> columns(static_cast<std::size_t>(width));
  for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
    backends::gemm(pool, height, width, starts[s + 1] - starts[s], dy + starts[s] * rows_ + i0, rows_,
                   x + starts[s] * cols_ + j0, cols_, tile.get(), width, {.trans_a = true});
    std::ranges::fill(columns, 0.0F);
    for (std::int64_t i = 0; i < height; ++i) {
      row_sums[i] += square_row(width, tile.get() + i * width, columns.data());
    }
    for (std::int64_t j = 0; j < width; ++j) col_sums[j] += columns[static_cast<std::size_t>(j)];
    if (all == nullptr) continue;
    for (std::int64_t i = 0; i < height; ++i) {
      for (std::int64_t j = 0; j < width; ++j) all[i * cols_ + j] += tile[i * width + j];
    }
  }
}

std::vector<double> FisherSum::row_sums() const {
  std::vector<double> out(static_cast<std::size_t>(rows_), 0.0);
  for (std::int64_t t = 0; t < col_tiles_; ++t) {
    const double* part = sums_.data<double>() + t * rows_;
    for (std::int64_t i = 0; i < rows_; ++i) out[static_cast<std::size_t>(i)] += part[i];
  }
  return out;
}

std::vector<double> FisherSum::col_sums() const {
  std::vector<double> out(static_cast<std::size_t>(cols_), 0.0);
  for (std::int64_t t = 0; t < row_tiles_; ++t) {
    const double* part = sums_.data<double>() + col_tiles_ * rows_ + t * cols_;
    for (std::int64_t j = 0; j < cols_; ++j) out[static_cast<std::size_t>(j)] += part[j];
  }
  return out;
}

}  // namespace lq
