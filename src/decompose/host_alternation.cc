#include "decompose/host_alternation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/gemm.h"

namespace lq {
namespace {

Context of_processor(Context context) {
  context.device = {};
  context.queue = nullptr;
  context.device_is_wish = false;
  return context;
}

}  // namespace

HostAlternation::HostAlternation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const Quantizer& quantizer, const Importance& importance)
    : context_(of_processor(context)),
      rows_(rows),
      cols_(cols),
      space_(context_, w, rows, cols, quantizer, importance) {}

void HostAlternation::seek(std::int64_t rank, std::int64_t oversampling, std::uint64_t stream) {
  tracker_.emplace(context_.pool, rows_, cols_, rank, oversampling, context_.seed, stream);
}

void HostAlternation::track(int passes) {
  for (int i = 0; i < passes; ++i) tracker_->pass(context_.pool, space_.residual());
}

Factors HostAlternation::tracked() const {
  const std::int64_t r = tracker_->rank();
  Factors s{r, Tensor::empty(DType::kF32, {rows_, r}), Tensor::empty(DType::kF32, {r, cols_})};
  std::copy_n(tracker_->u().begin(), rows_ * r, s.l1.mutable_data<float>());
  std::copy_n(tracker_->basis().begin(), r * cols_, s.l2.mutable_data<float>());
  return s;
}

Factors HostAlternation::advance(const Factors& last, double relaxation) {
  const std::int64_t r = tracker_->rank();
  Factors next = tracked();
  if (last.rank == 0 || relaxation == 0.0) return next;
  std::vector<float> turn(static_cast<std::size_t>(r * r));
  backends::gemm(context_.pool, r, r, rows_, next.l1.data<float>(), r, last.l1.data<float>(), r, turn.data(),
                 r, {.trans_a = true});
  backends::gemm(context_.pool, r, cols_, r, turn.data(), r, last.l2.data<float>(), cols_,
                 next.l2.mutable_data<float>(), cols_,
                 {.alpha = static_cast<float>(-relaxation), .beta = static_cast<float>(1.0 + relaxation)});
  return next;
}

Factors HostAlternation::to_plain(const Factors& weighted) {
  return space_.to_plain(weighted.rank, weighted.l1.data<float>(), weighted.l2.data<float>());
}

Factors HostAlternation::balanced() {
  Factors s = tracked();
  const std::int64_t rank = s.rank;
  float* const u = s.l1.mutable_data<float>();
  float* const b = s.l2.mutable_data<float>();
  for (std::int64_t k = 0; k < rank; ++k) {
    double square = 0.0;
    for (std::int64_t j = 0; j < cols_; ++j) square += std::pow(static_cast<double>(b[k * cols_ + j]), 2);
    const double root = std::pow(square, 0.25);
    const auto up = static_cast<float>(root);
    const float down = root > 0.0 && std::isfinite(1.0F / up) ? 1.0F / up : 0.0F;
    for (std::int64_t i = 0; i < rows_; ++i) u[i * rank + k] *= up;
    for (std::int64_t j = 0; j < cols_; ++j) b[k * cols_ + j] *= down;
  }
  return space_.to_plain(rank, u, b);
}

double HostAlternation::left_after_tracked() {
  return space_.left_after(tracker_->rank(), tracker_->u().data(), tracker_->basis().data());
}

}  // namespace lq
