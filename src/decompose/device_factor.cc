#include "decompose/device_factor.h"

#include <algorithm>

#include "backends/cuda/device.h"
#include "decompose/device_product.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

constexpr std::int64_t kFactorBlock = LowerFactor::kBlock;
// Columns of a product with S at a time: everything above the panel's first row is zero and is skipped.
constexpr std::int64_t kFactorPanel = 512;

Tensor moved_factor(Context& context, const std::vector<float>& values) {
  return copy_to_device(context, Tensor::borrow(DType::kF32, {std::ssize(values)},
                                                reinterpret_cast<const std::byte*>(values.data())));
}

}  // namespace

DeviceFactor::DeviceFactor(Context& context, const LowerFactor& factor)
    : context_(context),
      n_(factor.size()),
      s_(moved_factor(context, factor.values())),
      inverses_(moved_factor(context, factor.diagonal_inverses())) {}

std::int64_t DeviceFactor::bytes(std::int64_t n) {
  return 4 * (n * n + (n + kFactorBlock - 1) / kFactorBlock * kFactorBlock * kFactorBlock);
}

void DeviceFactor::multiply_right(std::int64_t m, const float* a, float* out) const {
  const float* const s = s_.data<float>();
  for (std::int64_t j = 0; j < n_; j += kFactorPanel) {
    const std::int64_t width = std::min(kFactorPanel, n_ - j);
    cuda::multiply(queue_of(context_, "a factor", context_.device),
                   dense_product(m, width, n_ - j, {a + j, n_}, {s + j * n_ + j, n_}, out + j, n_));
  }
}

void DeviceFactor::multiply_transposed_left(std::int64_t m, const float* a, float* out) const {
  const float* const s = s_.data<float>();
  for (std::int64_t i = 0; i < n_; i += kFactorPanel) {
    const std::int64_t height = std::min(kFactorPanel, n_ - i);
    cuda::Product p = dense_product(height, m, n_ - i, {s + i * n_ + i, n_}, {a + i * m, m}, out + i * m, m);
    p.trans_a = true;
    cuda::multiply(queue_of(context_, "a factor", context_.device), p);
  }
}

// Blocks are solved into `solved`, where later ones read them, and all of it goes back at the end.
void DeviceFactor::solve_right(std::int64_t m, float* x, float* solved) const {
  // y S = x, from the last columns to the first: y_j = (x_j - sum over i > j of y_i S_ij) S_jj^-1.
  const float* const s = s_.data<float>();
  DeviceQueue& queue = queue_of(context_, "a factor", context_.device);
  for (std::int64_t j = (n_ - 1) / kFactorBlock * kFactorBlock; j >= 0; j -= kFactorBlock) {
    const std::int64_t b = std::min(kFactorBlock, n_ - j);
    const std::int64_t done = j + b;
    if (done < n_) {
      cuda::Product p =
          dense_product(m, b, n_ - done, {solved + done, n_}, {s + done * n_ + j, n_}, x + j, n_);
      p.alpha = -1.0F;
      p.beta = 1.0F;
      cuda::multiply(queue, p);
    }
    cuda::multiply(queue, dense_product(m, b, b, {x + j, n_}, {inverses_.data<float>() + j * kFactorBlock, b},
                                        solved + j, n_));
  }
  cuda::copy_on_device(queue, solved, static_cast<std::size_t>(m * n_) * sizeof(float), x);
}

void DeviceFactor::solve_transposed_left(std::int64_t m, float* x, float* solved) const {
  // S^T y = x: y_i = S_ii^-T (x_i - sum over k > i of S_ki^T y_k).
  const float* const s = s_.data<float>();
  DeviceQueue& queue = queue_of(context_, "a factor", context_.device);
  for (std::int64_t i = (n_ - 1) / kFactorBlock * kFactorBlock; i >= 0; i -= kFactorBlock) {
    const std::int64_t b = std::min(kFactorBlock, n_ - i);
    const std::int64_t done = i + b;
    if (done < n_) {
      cuda::Product p =
          dense_product(b, m, n_ - done, {s + done * n_ + i, n_}, {solved + done * m, m}, x + i * m, m);
      p.trans_a = true;
      p.alpha = -1.0F;
      p.beta = 1.0F;
      cuda::multiply(queue, p);
    }
    cuda::Product p = dense_product(b, m, b, {inverses_.data<float>() + i * kFactorBlock, b}, {x + i * m, m},
                                    solved + i * m, m);
    p.trans_a = true;
    cuda::multiply(queue, p);
  }
  cuda::copy_on_device(queue, solved, static_cast<std::size_t>(m * n_) * sizeof(float), x);
}

}  // namespace lq
