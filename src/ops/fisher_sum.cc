#include "ops/fisher_sum.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/moment_sums.h"
#include "backends/cuda/moments.h"
#include "base/error.h"
#include "ops/columns.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"

namespace lq {
namespace {

// Rows of a gradient that are made at once on another device.
constexpr std::int64_t kDeviceRows = 1024;

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
    : FisherSum(rows, cols, Tensor::zeros(DType::kF64, {sum_doubles(rows, cols)}),
                full ? Tensor::zeros(DType::kF64, {rows, cols}) : Tensor()) {}

FisherSum::FisherSum(Context& ctx, std::int64_t rows, std::int64_t cols, bool full)
    : FisherSum(rows, cols, zeros_on_device(ctx, DType::kF64, {sum_doubles(rows, cols)}),
                full ? zeros_on_device(ctx, DType::kF64, {rows, cols}) : Tensor()) {}

FisherSum::FisherSum(std::int64_t rows, std::int64_t cols, Tensor sums, Tensor full)
    : rows_(rows),
      cols_(cols),
      tile_rows_(tile_rows_of(rows)),
      tile_cols_(tile_cols_of(cols)),
      row_tiles_(tile_parts(rows, tile_rows_)),
      col_tiles_(tile_parts(cols, tile_cols_)),
      sums_(std::move(sums)),
      full_(std::move(full)) {}

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

std::int64_t FisherSum::scratch(std::int64_t rows, std::int64_t cols, std::int64_t tokens) {
  const std::int64_t most = std::min(rows, kDeviceRows);
  return most * (tokens + cols);
}

void FisherSum::add(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy,
                    std::span<const std::int64_t> starts) {
  const Device device =
      common_device("fisher_sum", {{"the sums", sums_.device()}, {"x", x.device}, {"dy", dy.device}});
  LQ_CHECK(!device.is_cpu(), kInternal, "[ops] fisher_sum: as a whole on the processor");
  check_shape("fisher_sum x", x, x.rows, cols_);
  check_shape("fisher_sum dy", dy, x.rows, rows_);
  double* const row_sums = sums_.mutable_data<double>();  // all as if of the first tile
  double* const col_sums = row_sums + col_tiles_ * rows_;
  double* const all = full_.numel() > 0 ? full_.mutable_data<double>() : nullptr;
  for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
    const std::int64_t tokens = starts[s + 1] - starts[s];
    if (tokens == 0) continue;
    const ConstMatrix inputs = x.slice(starts[s], tokens);
    const ConstMatrix outputs = dy.slice(starts[s], tokens);
    for (std::int64_t first = 0; first < rows_; first += kDeviceRows) {
      Scratch scratch(ws);
      const std::int64_t rows = std::min(kDeviceRows, rows_ - first);
      ConstMatrix left = outputs;
      if (rows < rows_) {
        const Matrix part = scratch.matrix(tokens, rows);
        take_columns(ctx, outputs, first, part);
        left = part;
      }
      const Matrix gradient = scratch.matrix(rows, cols_);
      matmul_tn(ctx, left, inputs, gradient, {.linear = true});
      backends::cuda::add_squared(queue_of(ctx, "fisher_sum", device), rows, cols_, gradient.data,
                                  row_sums + first, col_sums, all == nullptr ? nullptr : all + first * cols_);
    }
  }
}

void FisherSum::to_host(Context& ctx) {
  if (!sums_.device().is_cpu()) sums_ = copy_to_host(ctx, sums_);
  if (!full_.device().is_cpu()) full_ = copy_to_host(ctx, full_);
}

std::vector<double> FisherSum::row_sums() const {
  return backends::cpu::sum_of_parts(col_tiles_, rows_, sums_.data<double>());
}

std::vector<double> FisherSum::col_sums() const {
  return backends::cpu::sum_of_parts(row_tiles_, cols_, sums_.data<double>() + col_tiles_ * rows_);
}

}  // namespace lq
