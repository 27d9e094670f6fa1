#include "ops/symmetric_sum.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/moment_sums.h"
#include "backends/cuda/moments.h"
#include "ops/columns.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"

namespace lq {
namespace {

constexpr std::int64_t kJobColumns = 512;
constexpr std::int64_t kScaledRows = 64;
// Rows of the sum that are made at once on another device: whole strips.
constexpr std::int64_t kDeviceRows = 1024;
// Small strips waste less of the diagonal and share out better; large ones multiply faster.
std::int64_t strip_height(std::int64_t n) { return n <= 512 ? 64 : 256; }

std::int64_t column_parts(std::int64_t width) { return (width + kJobColumns - 1) / kJobColumns; }

std::int64_t triangle_doubles(std::int64_t n) {
  const std::int64_t tile = strip_height(n);
  std::int64_t sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += tile) {
    const std::int64_t height = std::min(tile, n - begin);
    sum += height * (begin + height);
  }
  return sum;
}

}  // namespace

Tensor scaled_by_norms(Context& ctx, ConstMatrix x, ConstMatrix g) {
  const Device device = common_device("scaled_by_norms", {{"x", x.device}, {"g", g.device}});
  Tensor out = empty_tensor(device, DType::kF32, {x.rows, x.cols});
  float* to = out.mutable_data<float>();
  if (!device.is_cpu()) {
    backends::cuda::scale_by_norms(queue_of(ctx, "scaled_by_norms", device), x.rows, x.cols, x.data, g.cols,
                                   g.data, to);
    return out;
  }
  ctx.pool.run((x.rows + kScaledRows - 1) / kScaledRows, [&](std::int64_t job) {
    const std::int64_t begin = job * kScaledRows;
    backends::cpu::scale_by_norms(std::min(kScaledRows, x.rows - begin), x.cols, x.data + begin * x.cols,
                                  g.cols, g.data + begin * g.cols, to + begin * x.cols);
  });
  return out;
}

SymmetricSum::SymmetricSum(std::int64_t n)
    : SymmetricSum(n, Tensor::zeros(DType::kF64, {triangle_doubles(n)})) {}

SymmetricSum::SymmetricSum(Context& ctx, std::int64_t n)
    : SymmetricSum(n, zeros_on_device(ctx, DType::kF64, {triangle_doubles(n)})) {}

SymmetricSum::SymmetricSum(std::int64_t n, Tensor sums)
    : n_(n), tile_(strip_height(n)), sums_(std::move(sums)) {
  for (std::int64_t begin = 0; begin < n; begin += tile_) jobs_ += column_parts(std::min(begin + tile_, n));
}

std::int64_t SymmetricSum::bytes(std::int64_t n) {
  return triangle_doubles(n) * static_cast<std::int64_t>(sizeof(double));
}

SymmetricSum::Strip SymmetricSum::strip(std::int64_t index) const {
  const std::int64_t begin = index * tile_;
  const std::int64_t height = std::min(tile_, n_ - begin);
  // Whole strips before this one: tile * (tile + 2 tile + ... + index tile).
  return {begin, height, begin + height, tile_ * tile_ * (index * (index + 1) / 2)};
}

void SymmetricSum::run_job(ThreadPool& pool, std::int64_t job, const float* x, std::int64_t rows) {
  // The longest strips first: they share out best.
  std::int64_t index = (n_ + tile_ - 1) / tile_ - 1;
  Strip s = strip(index);
  while (job >= column_parts(s.width)) {
    job -= column_parts(s.width);
    s = strip(--index);
  }
  const std::int64_t column = job * kJobColumns;
  const std::int64_t width = std::min(kJobColumns, s.width - column);
  backends::cpu::add_products(pool, rows, {x, n_, s.begin, s.height}, {x, n_, column, width},
                              sums_.mutable_data<double>() + s.offset + column, s.width);
}

std::int64_t SymmetricSum::scratch(std::int64_t n, std::int64_t rows) {
  const std::int64_t most = std::min(n, kDeviceRows);
  return rows * (most + n) + most * n;
}

void SymmetricSum::add(Context& ctx, Workspace& ws, ConstMatrix x) {
  const Device device = common_device("symmetric_sum", {{"the sum", sums_.device()}, {"x", x.device}});
  LQ_CHECK(!device.is_cpu(), kInternal, "[ops] symmetric_sum: as a whole on the processor");
  check_shape("symmetric_sum x", x, x.rows, n_);
  if (x.rows == 0) return;
  for (std::int64_t first = 0; first < n_; first += kDeviceRows) {
    Scratch scratch(ws);
    const std::int64_t rows = std::min(kDeviceRows, n_ - first);
    const std::int64_t width = first + rows;
    ConstMatrix left = x;
    ConstMatrix right = x;
    if (rows < n_) {
      const Matrix part = scratch.matrix(x.rows, rows);
      take_columns(ctx, x, first, part);
      left = part;
    }
    if (width < n_) {
      const Matrix part = scratch.matrix(x.rows, width);
      take_columns(ctx, x, 0, part);
      right = part;
    }
    const Matrix product = scratch.matrix(rows, width);
    matmul_tn(ctx, left, right, product, {.linear = true});
    backends::cuda::add_triangle(queue_of(ctx, "symmetric_sum", device), n_, tile_, first, rows, width,
                                 product.data, sums_.mutable_data<double>());
  }
}

void SymmetricSum::to_host(Context& ctx) {
  if (!sums_.device().is_cpu()) sums_ = copy_to_host(ctx, sums_);
}

double SymmetricSum::trace() const {
  double sum = 0.0;
  for (std::int64_t index = 0; index * tile_ < n_; ++index) {
    const Strip s = strip(index);
    sum += backends::cpu::diagonal_sum(s.begin, s.height, s.width, sums_.data<double>() + s.offset);
  }
  return sum;
}

void SymmetricSum::write(ThreadPool& pool, double factor, float* out) const {
  const std::int64_t strips = (n_ + tile_ - 1) / tile_;
  pool.run(strips, [&](std::int64_t index) {
    const Strip s = strip(index);
    backends::cpu::write_symmetric(n_, s.begin, s.height, s.width, factor, sums_.data<double>() + s.offset,
                                   out);
  });
}

}  // namespace lq
