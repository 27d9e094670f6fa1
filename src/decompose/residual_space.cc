#include "decompose/residual_space.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "backends/cpu/gemm.h"

namespace lq {
namespace {

// A tile of W stays in cache between its copy and the product that is subtracted from it.
constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileCols = 512;

void scale_rows(std::int64_t rows, std::int64_t cols, const float* scale, bool divide, float* x) {
  if (scale == nullptr) return;
  for (std::int64_t i = 0; i < rows; ++i) {
    const float s = divide ? 1.0F / scale[i] : scale[i];
    for (std::int64_t j = 0; j < cols; ++j) x[i * cols + j] *= s;
  }
}

void scale_cols(std::int64_t rows, std::int64_t cols, const float* scale, bool divide, float* x) {
  if (scale == nullptr) return;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) x[i * cols + j] *= divide ? 1.0F / scale[j] : scale[j];
  }
}

std::vector<float> reciprocals(const float* scale, std::int64_t count) {
  std::vector<float> out(scale == nullptr ? 0 : static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1.0F / scale[i];
  return out;
}

}  // namespace

void subtract_product(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const float* w,
                      std::int64_t rank, const float* l1, const float* l2, float* out) {
  const std::int64_t across = (cols + kTileCols - 1) / kTileCols;
  const std::int64_t down = (rows + kTileRows - 1) / kTileRows;
  pool.run(across * down, [&](std::int64_t tile) {
    const std::int64_t i0 = tile / across * kTileRows;
    const std::int64_t j0 = tile % across * kTileCols;
    const std::int64_t m = std::min(kTileRows, rows - i0);
    const std::int64_t n = std::min(kTileCols, cols - j0);
    if (out != w) {
      for (std::int64_t i = i0; i < i0 + m; ++i) {
        std::memcpy(out + i * cols + j0, w + i * cols + j0, static_cast<std::size_t>(n) * sizeof(float));
      }
    }
    if (rank == 0) return;
    backends::gemm(pool, m, n, rank, l1 + i0 * rank, rank, l2 + j0, cols, out + i0 * cols + j0, cols,
                   {.alpha = -1.0F, .beta = 1.0F});
  });
}

ResidualSpace::ResidualSpace(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                             const Quantizer& quantizer, const Importance& importance)
    : context_(context),
      w_(w),
      rows_(rows),
      cols_(cols),
      quantizer_(&quantizer),
      importance_(importance),
      space_(Tensor::empty(DType::kF32, {rows, cols})) {
  importance.check_shape(rows, cols);
  if (importance.full()) other_ = Tensor::empty(DType::kF32, {rows, cols});
}

void ResidualSpace::apply_full_importance() {
  if (!importance_.full()) return;
  if (importance_.right() != nullptr) {
    importance_.right()->multiply_right(context_.pool, rows_, space_.data<float>(),
                                        other_.mutable_data<float>());
    std::swap(space_, other_);
  }
  if (importance_.left() != nullptr) {
    importance_.left()->multiply_transposed_left(context_.pool, cols_, space_.data<float>(),
                                                 other_.mutable_data<float>());
    std::swap(space_, other_);
  }
  norms_.weighted = backends::residual(context_.pool, rows_, cols_, space_.data<float>(), nullptr, nullptr,
                                       nullptr, nullptr)
                        .squared;
}

void ResidualSpace::start() {
  norms_ = backends::residual(context_.pool, rows_, cols_, w_, nullptr, importance_.row_scale(),
                              importance_.col_scale(), space_.mutable_data<float>());
  apply_full_importance();
  squared_w_ = norms_.squared;
  weighted_w_ = norms_.weighted;
}

const float* ResidualSpace::target_of(const Factors& target) {
  if (target.rank == 0) return w_;
  float* space = space_.mutable_data<float>();
  subtract_product(context_.pool, rows_, cols_, w_, target.rank, target.l1.data<float>(),
                   target.l2.data<float>(), space);
  return space;
}

void ResidualSpace::round_trip(const Factors& target) {
  const float* from = target_of(target);
  quantizer_->round_trip_weighted(context_.pool, from, rows_, cols_, space_.mutable_data<float>(),
                                  importance_.error_weights());
}

void ResidualSpace::measure() {
  norms_ = backends::residual(context_.pool, rows_, cols_, w_, space_.data<float>(), importance_.row_scale(),
                              importance_.col_scale(), space_.mutable_data<float>());
  apply_full_importance();
}

void ResidualSpace::quantize(const Factors& target) {
  round_trip(target);
  measure();
  last_packed_ = {};
  if (importance_.full()) last_target_ = copy_of(context_, target);
}

PackedMatrix ResidualSpace::quantize_and_pack(const Factors& target) {
  last_packed_ =
      quantizer_->pack(context_.pool, target_of(target), rows_, cols_, importance_.error_weights());
  last_packed_.dequantize(context_.pool, space_.mutable_data<float>());
  measure();
  return last_packed_;
}

Factors ResidualSpace::to_plain(std::int64_t rank, const float* u, const float* b) const {
  Factors out{rank, Tensor::empty(DType::kF32, {rows_, rank}), Tensor::empty(DType::kF32, {rank, cols_})};
  float* const l1 = out.l1.mutable_data<float>();
  float* const l2 = out.l2.mutable_data<float>();
  std::copy_n(u, rows_ * rank, l1);
  std::copy_n(b, rank * cols_, l2);
  scale_rows(rows_, rank, importance_.row_scale(), true, l1);
  scale_cols(rank, cols_, importance_.col_scale(), true, l2);
  if (importance_.left() != nullptr) importance_.left()->solve_transposed_left(context_.pool, rank, l1);
  if (importance_.right() != nullptr) importance_.right()->solve_right(context_.pool, rank, l2);
  return out;
}

Factors ResidualSpace::to_weighted(const Factors& plain) const {
  Factors out = copy_of(context_, plain);
  float* const l1 = out.l1.mutable_data<float>();
  float* const l2 = out.l2.mutable_data<float>();
  scale_rows(rows_, plain.rank, importance_.row_scale(), false, l1);
  scale_cols(plain.rank, cols_, importance_.col_scale(), false, l2);
  if (importance_.left() != nullptr) {
    importance_.left()->multiply_transposed_left(context_.pool, plain.rank, plain.l1.data<float>(), l1);
  }
  if (importance_.right() != nullptr) {
    importance_.right()->multiply_right(context_.pool, plain.rank, plain.l2.data<float>(), l2);
  }
  return out;
}

double ResidualSpace::left_after(std::int64_t rank, const float* u, const float* b) const {
  return parallel_sum(context_.pool, rows_, kTileRows, [&](std::int64_t begin, std::int64_t end) {
    const auto product =
        std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>((end - begin) * cols_));
    backends::gemm(context_.pool, end - begin, cols_, rank, u + begin * rank, rank, b, cols_, product.get(),
                   cols_);
    return backends::residual(context_.pool, end - begin, cols_, residual() + begin * cols_, product.get(),
                              nullptr, nullptr, nullptr)
        .squared;
  });
}

double ResidualSpace::error_with(const Factors& factors) const {
  if (factors.rank == 0) return norms_.weighted;
  const Factors f = to_weighted(factors);
  return left_after(f.rank, f.l1.data<float>(), f.l2.data<float>());
}

void ResidualSpace::subtract(const Factors& factors) {
  const Factors f = to_weighted(factors);
  float* space = space_.mutable_data<float>();
  subtract_product(context_.pool, rows_, cols_, space, f.rank, f.l1.data<float>(), f.l2.data<float>(), space);
  const std::vector<float> rows = reciprocals(importance_.row_scale(), rows_);
  const std::vector<float> cols = reciprocals(importance_.col_scale(), cols_);
  const backends::ResidualNorms left =
      backends::residual(context_.pool, rows_, cols_, space, nullptr, rows.empty() ? nullptr : rows.data(),
                         cols.empty() ? nullptr : cols.data(), nullptr);
  norms_ = {left.weighted,
            left.squared};  // the residual lies in weighted coordinates: dividing brings it back
  if (!importance_.full()) return;
  // No scales to divide by: what was quantized once more, into the other workspace.
  std::swap(space_, other_);
  if (last_packed_.rows() > 0) {
    last_packed_.dequantize(context_.pool, space_.mutable_data<float>());
  } else {
    round_trip(last_target_);
  }
  float* plain = space_.mutable_data<float>();
  backends::residual(context_.pool, rows_, cols_, w_, plain, nullptr, nullptr, plain);
  subtract_product(context_.pool, rows_, cols_, plain, factors.rank, factors.l1.data<float>(),
                   factors.l2.data<float>(), plain);
  norms_.squared =
      backends::residual(context_.pool, rows_, cols_, plain, nullptr, nullptr, nullptr, nullptr).squared;
  std::swap(space_, other_);
}

}  // namespace lq
