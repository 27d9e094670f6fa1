#include "decompose/device_alternation.h"

#include <algorithm>
#include <utility>

#include "backends/cuda/device.h"
#include "backends/cuda/gram.h"
#include "decompose/device_product.h"
#include "decompose/host_alternation.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

constexpr std::int64_t kSmallestBlock = 16;                     // of weights under one scale
constexpr std::int64_t kPanelElements = std::int64_t{1} << 22;  // of a residual at a time
// Factors alive at once, of the loop and of the fit after it.
constexpr std::int64_t kFactorsAlive = 8;
// What a search of scales keeps of its blocks in each thread.
constexpr std::int64_t kThreadMemory = std::int64_t{256} << 20;

std::vector<float> inverse_scales(const float* scale, std::int64_t count) {
  std::vector<float> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1.0F / scale[i];
  return out;
}

// Null where there is none.
const float* values_of(const Tensor& t) { return t.numel() == 0 ? nullptr : t.data<float>(); }

std::int64_t panel_rows(std::int64_t cols) { return std::max<std::int64_t>(1, kPanelElements / cols); }

}  // namespace

std::unique_ptr<Alternation> make_alternation(Context& context, const float* w, std::int64_t rows,
                                              std::int64_t cols, const Quantizer& quantizer,
                                              const Importance& importance) {
  if (context.device.is_cpu())
    return std::make_unique<HostAlternation>(context, w, rows, cols, quantizer, importance);
  return std::make_unique<DeviceAlternation>(context, w, rows, cols, quantizer, importance);
}

std::int64_t device_alternation_bytes(std::int64_t rows, std::int64_t cols, std::int64_t rank,
                                      std::int64_t oversampling, bool left, bool right, bool coder) {
  const std::int64_t n = rows * cols;
  const std::int64_t blocks = n / kSmallestBlock + 1;
  std::int64_t bytes = 4 * (2 * n + 2 * blocks + blocks / kSmallestBlock + 4096);
  bytes += 4 * std::min(rows, panel_rows(cols)) * cols;
  if (left || right) bytes += 4 * n;
  if (left) bytes += DeviceFactor::bytes(rows);
  if (right) bytes += DeviceFactor::bytes(cols);
  bytes += 4 * 3 * (rows + cols);  // the importance's sides
  if (coder) bytes += device_coder_bytes(rows, cols, left, right);
  if (rank > 0) {
    bytes += DeviceSubspace::bytes(rows, cols, rank, oversampling);
    bytes += 4 * kFactorsAlive * rank * (rows + cols);
  }
  return bytes + kThreadMemory;
}

DeviceAlternation::DeviceAlternation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                     const Quantizer& quantizer, const Importance& importance)
    : context_(context),
      w_(w),
      rows_(rows),
      cols_(cols),
      quantizer_(&quantizer),
      importance_(importance),
      pool_(context.device) {
  importance.check_shape(rows, cols);
  const auto matrix = [&] { return empty_tensor(context.device, DType::kF32, {rows, cols}); };
  on_device_ = moved(w, rows * cols);
  residual_ = matrix();
  scales_ = empty_tensor(context.device, DType::kF32, {rows * cols / kSmallestBlock + 1});
  if (importance.full()) other_ = matrix();
  if (const float* row = importance.row_scale(); row != nullptr) {
    sides_.row = moved(row, rows);
    sides_.row_inverse = moved(inverse_scales(row, rows).data(), rows);
  }
  if (const float* col = importance.col_scale(); col != nullptr) {
    sides_.col = moved(col, cols);
    sides_.col_inverse = moved(inverse_scales(col, cols).data(), cols);
  }
  const ErrorWeights weights = importance.error_weights();
  if (weights.rows != nullptr) sides_.row_square = moved(weights.rows, rows);
  if (weights.cols != nullptr) sides_.col_square = moved(weights.cols, cols);
  if (importance.left() != nullptr) left_.emplace(context_, *importance.left());
  if (importance.right() != nullptr) right_.emplace(context_, *importance.right());
  set_quantizer(quantizer);
}

void DeviceAlternation::set_quantizer(const Quantizer& quantizer) {
  quantizer_ = &quantizer;
  coder_.reset();  // before the next takes its memory
  coder_ =
      make_device_coder(context_, rows_, cols_, quantizer, importance_,
                        {values_of(sides_.row_square), values_of(sides_.col_square),
                         left_.has_value() ? &*left_ : nullptr, right_.has_value() ? &*right_ : nullptr});
}

DeviceQueue& DeviceAlternation::queue() const {
  Context context = context_;
  return queue_of(context, "decompose", context_.device);
}

Tensor DeviceAlternation::moved(const float* values, std::int64_t count) const {
  Context context = context_;
  return copy_to_device(context,
                        Tensor::borrow(DType::kF32, {count}, reinterpret_cast<const std::byte*>(values)));
}

Tensor DeviceAlternation::on_host(const float* values) const {
  Tensor out = Tensor::empty(DType::kF32, {rows_, cols_});
  cuda::copy_to_host(queue(), values, out.bytes(), out.mutable_raw());
  return out;
}

void DeviceAlternation::apply_full_importance() {
  if (!importance_.full()) return;
  if (right_.has_value()) {
    right_->multiply_right(rows_, residual_.data<float>(), other_.mutable_data<float>());
    std::swap(residual_, other_);
  }
  if (left_.has_value()) {
    left_->multiply_transposed_left(cols_, residual_.data<float>(), other_.mutable_data<float>());
    std::swap(residual_, other_);
  }
  norms_.weighted =
      cuda::residual(queue(), rows_, cols_, residual_.data<float>(), nullptr, nullptr, nullptr, nullptr)
          .squared;
}

void DeviceAlternation::start() {
  norms_ = cuda::residual(queue(), rows_, cols_, on_device_.data<float>(), nullptr, values_of(sides_.row),
                          values_of(sides_.col), residual_.mutable_data<float>());
  apply_full_importance();
  norms_w_ = norms_;
}

void DeviceAlternation::seek(std::int64_t rank, std::int64_t oversampling, std::uint64_t stream) {
  subspace_.emplace(context_, rows_, cols_, rank, oversampling, stream);
}

void DeviceAlternation::track(int passes) {
  for (int i = 0; i < passes; ++i) subspace_->pass(residual_.data<float>());
}

void DeviceAlternation::subtract_product(const float* l1, const float* l2, std::int64_t rank,
                                         std::int64_t first_row, std::int64_t rows, float* to) {
  if (rank == 0) return;
  cuda::Product p = dense_product(rows, cols_, rank, {l1 + first_row * rank, rank}, {l2, cols_}, to, cols_);
  p.alpha = -1.0F;
  p.beta = 1.0F;
  cuda::multiply(queue(), p);
}

const float* DeviceAlternation::target_in(const Factors& target, float* room) {
  if (target.rank == 0) return on_device_.data<float>();
  cuda::copy_on_device(queue(), on_device_.raw(), on_device_.bytes(), room);
  subtract_product(target.l1.data<float>(), target.l2.data<float>(), target.rank, 0, rows_, room);
  return room;
}

void DeviceAlternation::round_to_residual(const float* target, bool weigh, float* out) {
  const std::optional<backends::CodebookRounding> rounding = quantizer_->codebook_rounding();
  if (!rounding.has_value()) {
    Tensor host = on_host(target);
    float* const values = host.mutable_data<float>();
    quantizer_->round_trip_weighted(context_.pool, values, rows_, cols_, values, importance_.error_weights());
    return take_rounded(values, weigh, out);
  }
  float* const scales = scales_.mutable_data<float>();
  cuda::block_scales(queue(), *rounding, {values_of(sides_.row_square), values_of(sides_.col_square)}, rows_,
                     cols_, target, scales);
  norms_ = cuda::rounded_residual(queue(), *rounding, rows_, cols_, on_device_.data<float>(), target, scales,
                                  weigh ? values_of(sides_.row) : nullptr,
                                  weigh ? values_of(sides_.col) : nullptr, out);
}

void DeviceAlternation::take_rounded(const float* q, bool weigh, float* out) {
  cuda::copy_to_device(queue(), q, on_device_.bytes(), out);
  residual_of(weigh, out);
}

void DeviceAlternation::residual_of(bool weigh, float* out) {
  norms_ =
      cuda::residual(queue(), rows_, cols_, on_device_.data<float>(), out,
                     weigh ? values_of(sides_.row) : nullptr, weigh ? values_of(sides_.col) : nullptr, out);
}

void DeviceAlternation::take_packed(bool weigh, float* out) {
  Tensor values = Tensor::empty(DType::kF32, {rows_, cols_});
  last_packed_.dequantize(context_.pool, values.mutable_data<float>());
  take_rounded(values.data<float>(), weigh, out);
}

void DeviceAlternation::quantize(const Factors& target) {
  if (coder_ != nullptr) {  // what takes so long is kept
    quantize_and_pack(target);
    return;
  }
  float* const room = residual_.mutable_data<float>();
  round_to_residual(target_in(target, room), true, room);
  apply_full_importance();
  last_packed_ = {};
  if (importance_.full()) last_target_ = copy_of(context_, target);
}

PackedMatrix DeviceAlternation::quantize_and_pack(const Factors& target) {
  float* const room = residual_.mutable_data<float>();
  const float* const wanted = target_in(target, room);
  if (coder_ != nullptr) {
    coder_->round(wanted, importance_.full() ? other_.mutable_data<float>() : nullptr, room);
    last_packed_ = coder_->packed();
    residual_of(true, room);
    apply_full_importance();
    return last_packed_;
  }
  {
    const Tensor host = target.rank == 0 ? Tensor() : on_host(wanted);
    last_packed_ = quantizer_->pack(context_.pool, target.rank == 0 ? w_ : host.data<float>(), rows_, cols_,
                                    importance_.error_weights());
  }
  if (quantizer_->codebook_rounding().has_value()) {
    round_to_residual(wanted, true, room);
  } else {
    take_packed(true, room);
  }
  apply_full_importance();
  return last_packed_;
}

double DeviceAlternation::left_after(const float* u, const float* b, std::int64_t rank) {
  const std::int64_t most = std::min(rows_, panel_rows(cols_));
  if (panel_.numel() == 0) panel_ = empty_tensor(context_.device, DType::kF32, {most, cols_});
  float* const panel = panel_.mutable_data<float>();
  double sum = 0.0;
  for (std::int64_t row = 0; row < rows_; row += most) {
    const std::int64_t count = std::min(most, rows_ - row);
    cuda::copy_on_device(queue(), residual_.data<float>() + row * cols_,
                         static_cast<std::size_t>(count * cols_) * sizeof(float), panel);
    subtract_product(u, b, rank, row, count, panel);
    sum += cuda::residual(queue(), count, cols_, panel, nullptr, nullptr, nullptr, nullptr).squared;
  }
  return sum;
}

double DeviceAlternation::left_after_tracked() {
  return left_after(subspace_->u().data<float>(), subspace_->basis().data<float>(), subspace_->rank());
}

double DeviceAlternation::error_with(const Factors& plain) {
  if (plain.rank == 0) return norms_.weighted;
  const Factors f = to_weighted(plain);
  return left_after(f.l1.data<float>(), f.l2.data<float>(), f.rank);
}

void DeviceAlternation::last_residual(float* room) {
  if (last_packed_.rows() == 0) return round_to_residual(target_in(last_target_, room), false, room);
  take_packed(false, room);
}

void DeviceAlternation::subtract(const Factors& plain) {
  float* const residual = residual_.mutable_data<float>();
  if (plain.rank > 0) {
    const Factors f = to_weighted(plain);
    subtract_product(f.l1.data<float>(), f.l2.data<float>(), f.rank, 0, rows_, residual);
  }
  // The residual lies in weighted coordinates: dividing brings it back.
  const cuda::ResidualSums left =
      cuda::residual(queue(), rows_, cols_, residual, nullptr, values_of(sides_.row_inverse),
                     values_of(sides_.col_inverse), nullptr);
  cuda::ResidualSums norms = {left.weighted, left.squared};
  if (importance_.full()) {
    // No scales to divide by: what was quantized once more, into the other workspace.
    float* const other = other_.mutable_data<float>();
    last_residual(other);
    if (plain.rank > 0)
      subtract_product(plain.l1.data<float>(), plain.l2.data<float>(), plain.rank, 0, rows_, other);
    norms.squared = cuda::residual(queue(), rows_, cols_, other, nullptr, nullptr, nullptr, nullptr).squared;
  }
  norms_ = norms;
}

}  // namespace lq
