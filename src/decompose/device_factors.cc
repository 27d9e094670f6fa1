// Factors of the alternation on a device: the subspace's, over-relaxed, and between weighted and plain
// coordinates.
#include <cmath>

#include "backends/cuda/device.h"
#include "backends/cuda/gram.h"
#include "decompose/device_alternation.h"
#include "decompose/device_product.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

// Null where there is none.
const float* side_values(const Tensor& t) { return t.numel() == 0 ? nullptr : t.data<float>(); }

}  // namespace

Factors DeviceAlternation::pooled_copy(const float* l1, const float* l2, std::int64_t rank) {
  Factors out{rank, pool_.empty({rows_, rank}), pool_.empty({rank, cols_})};
  cuda::copy_on_device(queue(), l1, out.l1.bytes(), out.l1.mutable_raw());
  cuda::copy_on_device(queue(), l2, out.l2.bytes(), out.l2.mutable_raw());
  return out;
}

Factors DeviceAlternation::tracked() {
  return pooled_copy(subspace_->u().data<float>(), subspace_->basis().data<float>(), subspace_->rank());
}

Factors DeviceAlternation::advance(const Factors& last, double relaxation) {
  Factors next = tracked();
  if (last.rank == 0 || relaxation == 0.0) return next;
  const std::int64_t r = next.rank;
  Tensor turn = pool_.empty({r, r});
  cuda::Product p = dense_product(r, r, rows_, {next.l1.data<float>(), r}, {last.l1.data<float>(), r},
                                  turn.mutable_data<float>(), r);
  p.trans_a = true;
  cuda::multiply(queue(), p);
  p = dense_product(r, cols_, r, {turn.data<float>(), r}, {last.l2.data<float>(), cols_},
                    next.l2.mutable_data<float>(), cols_);
  p.alpha = static_cast<float>(-relaxation);
  p.beta = static_cast<float>(1.0 + relaxation);
  cuda::multiply(queue(), p);
  return next;
}

Factors DeviceAlternation::to_plain(const Factors& weighted) {
  Factors out = pooled_copy(weighted.l1.data<float>(), weighted.l2.data<float>(), weighted.rank);
  const std::int64_t r = out.rank;
  cuda::scale_sides(queue(), rows_, r, side_values(sides_.row_inverse), nullptr,
                    out.l1.mutable_data<float>());
  cuda::scale_sides(queue(), r, cols_, nullptr, side_values(sides_.col_inverse),
                    out.l2.mutable_data<float>());
  if (left_.has_value()) {
    Tensor solved = pool_.empty({rows_, r});
    left_->solve_transposed_left(r, out.l1.mutable_data<float>(), solved.mutable_data<float>());
  }
  if (right_.has_value()) {
    Tensor solved = pool_.empty({r, cols_});
    right_->solve_right(r, out.l2.mutable_data<float>(), solved.mutable_data<float>());
  }
  return out;
}

Factors DeviceAlternation::to_weighted(const Factors& plain) {
  Factors out = pooled_copy(plain.l1.data<float>(), plain.l2.data<float>(), plain.rank);
  const std::int64_t r = out.rank;
  cuda::scale_sides(queue(), rows_, r, side_values(sides_.row), nullptr, out.l1.mutable_data<float>());
  cuda::scale_sides(queue(), r, cols_, nullptr, side_values(sides_.col), out.l2.mutable_data<float>());
  if (left_.has_value())
    left_->multiply_transposed_left(r, plain.l1.data<float>(), out.l1.mutable_data<float>());
  if (right_.has_value()) right_->multiply_right(r, plain.l2.data<float>(), out.l2.mutable_data<float>());
  return out;
}

Factors DeviceAlternation::balanced() {
  Factors s = tracked();
  const std::int64_t r = s.rank;
  std::vector<float> ups, downs;
  for (std::int64_t k = 0; k < r; ++k) {
    const double root = std::pow(subspace_->squares()[static_cast<std::size_t>(k)], 0.25);
    const auto up = static_cast<float>(root);
    ups.push_back(up);
    downs.push_back(root > 0.0 && std::isfinite(1.0F / up) ? 1.0F / up : 0.0F);
  }
  const Tensor up = moved(ups.data(), r);
  const Tensor down = moved(downs.data(), r);
  cuda::scale_sides(queue(), rows_, r, nullptr, up.data<float>(), s.l1.mutable_data<float>());
  cuda::scale_sides(queue(), r, cols_, down.data<float>(), nullptr, s.l2.mutable_data<float>());
  return to_plain(s);
}

}  // namespace lq
