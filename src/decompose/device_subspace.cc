#include "decompose/device_subspace.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "backends/cuda/device.h"
#include "backends/cuda/gram.h"
#include "base/error.h"
#include "base/rng.h"
#include "decompose/device_product.h"
#include "linalg/orthonormalize.h"
#include "linalg/small_dense.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

std::int64_t carried_of(std::int64_t m, std::int64_t n, std::int64_t rank, std::int64_t oversampling) {
  return std::min({rank + oversampling, m, n});
}

}  // namespace

DeviceSubspace::DeviceSubspace(Context& context, std::int64_t m, std::int64_t n, std::int64_t rank,
                               std::int64_t oversampling, std::uint64_t stream)
    : context_(context), m_(m), n_(n), rank_(rank), carried_(carried_of(m, n, rank, oversampling)) {
  LQ_CHECK(rank > 0 && rank <= std::min(m, n), kInvalidArgument,
           "rank {} of a {} x {} matrix must be between 1 and {}", rank, m, n, std::min(m, n));
  const auto make = [&](std::int64_t rows, std::int64_t cols) {
    return empty_tensor(context.device, DType::kF32, {rows, cols});
  };
  y_ = make(m, carried_);
  work_ = make(m, carried_);
  b_ = make(carried_, n);
  u_ = make(m, rank);
  small_ = make(carried_, carried_);
  Tensor random = Tensor::empty(DType::kF32, {carried_, n});
  Rng(context.seed, stream).fill_normal(context.pool, random.mutable_data<float>(), carried_ * n);
  basis_ = copy_to_device(context, random);
}

std::int64_t DeviceSubspace::bytes(std::int64_t m, std::int64_t n, std::int64_t rank,
                                   std::int64_t oversampling) {
  const std::int64_t p = carried_of(m, n, rank, oversampling);
  const std::int64_t sums = 8 * p * p * (std::max(m, n) / cuda::kGramRun + 2);
  return 4 * (2 * m * p + 2 * n * p + m * rank + p * p) + sums;
}

std::vector<double> DeviceSubspace::gram_of_columns() const {
  std::vector<double> gram(static_cast<std::size_t>(carried_ * carried_));
  cuda::gram(queue_of(context_, "a subspace", context_.device),
             {.x = y_.data<float>(), .count = m_, .k = carried_, .step = carried_, .next = 1}, gram.data());
  return gram;
}

bool DeviceSubspace::divide(std::vector<double>& gram) {
  const std::int64_t p = carried_;
  const std::vector<float> divisor = cholesky_divisor(p, gram);
  if (divisor.empty()) return false;
  DeviceQueue& queue = queue_of(context_, "a subspace", context_.device);
  cuda::copy_to_device(queue, divisor.data(), divisor.size() * sizeof(float), small_.mutable_raw());
  cuda::multiply(queue, dense_product(m_, p, p, {y_.data<float>(), p}, {small_.data<float>(), p},
                                      work_.mutable_data<float>(), p));
  std::swap(y_, work_);
  return true;
}

void DeviceSubspace::orthonormalize() {
  std::vector<double> gram = gram_of_columns();
  if (divide(gram)) {
    gram = gram_of_columns();
    if (nearly_orthonormal(carried_, gram) && divide(gram)) return;
  }
  // y still spans its first columns; what is left of it is seldom, and the processor's.
  Tensor host = copy_to_host(context_, y_);
  householder_orthonormalize(m_, carried_, host.mutable_data<float>());
  copy_bytes(context_, host.raw(), y_);
}

void DeviceSubspace::pass(const float* a) {
  const std::int64_t p = carried_;
  DeviceQueue& queue = queue_of(context_, "a subspace", context_.device);
  cuda::Product project =
      dense_product(m_, p, n_, {a, n_}, {basis_.data<float>(), n_}, y_.mutable_data<float>(), p);
  project.trans_b = true;
  project.alpha = scale_;
  cuda::multiply(queue, project);
  orthonormalize();
  cuda::Product back = dense_product(p, n_, m_, {y_.data<float>(), p}, {a, n_}, b_.mutable_data<float>(), n_);
  back.trans_a = true;
  cuda::multiply(queue, back);

  // b b^T = g diag(values) g^T: rotating by g sorts the directions by what they hold.
  std::vector<double> gram(static_cast<std::size_t>(p * p));
  cuda::gram(queue, {.x = b_.data<float>(), .count = n_, .k = p, .step = 1, .next = n_}, gram.data());
  const SymmetricEigen eigen = symmetric_eigen(p, gram.data());
  const std::vector<float> g(eigen.vectors.begin(), eigen.vectors.end());
  cuda::copy_to_device(queue, g.data(), g.size() * sizeof(float), small_.mutable_raw());
  cuda::multiply(queue, dense_product(m_, rank_, p, {y_.data<float>(), p}, {small_.data<float>(), p},
                                      u_.mutable_data<float>(), rank_));
  cuda::Product rotate = dense_product(p, n_, p, {small_.data<float>(), p}, {b_.data<float>(), n_},
                                       basis_.mutable_data<float>(), n_);
  rotate.trans_a = true;
  cuda::multiply(queue, rotate);

  squares_.assign(eigen.values.begin(), eigen.values.end());
  for (double& v : squares_) v = std::max(0.0, v);
  captured_ = 0.0;
  for (std::int64_t i = 0; i < rank_; ++i) captured_ += squares_[static_cast<std::size_t>(i)];
  const double largest = std::sqrt(squares_[0]);
  scale_ = largest > 1e-18 ? static_cast<float>(1.0 / largest) : 1.0F;
}

}  // namespace lq
