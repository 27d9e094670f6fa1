#include "linalg/subspace_tracker.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/gemm.h"
#include "backends/cpu/gemm_kernel.h"
#include "base/error.h"
#include "base/rng.h"
#include "linalg/orthonormalize.h"
#include "linalg/small_dense.h"

namespace lq {

SubspaceTracker::SubspaceTracker(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t rank,
                                 std::int64_t oversampling, std::uint64_t seed, std::uint64_t stream)
    : m_(m), n_(n), rank_(rank), carried_(std::min({rank + oversampling, m, n})) {
  LQ_CHECK(rank > 0 && rank <= std::min(m, n), kInvalidArgument,
           "rank {} of a {} x {} matrix must be between 1 and {}", rank, m, n, std::min(m, n));
  y_.resize(static_cast<std::size_t>(m * carried_));
  u_.resize(static_cast<std::size_t>(m * rank));
  b_.resize(static_cast<std::size_t>(carried_ * n));
  basis_.resize(static_cast<std::size_t>(carried_ * n));
  Rng(seed, stream).fill_normal(pool, basis_.data(), carried_ * n);
}

// y = scale a basis^T.
void SubspaceTracker::project(ThreadPool& pool, const float* a) {
  const std::int64_t p = carried_;
  const std::int64_t together = backends::gemm_panel_cols();  // columns that a product works on
  const std::int64_t idle = (together - p % together) % together;
  if (4 * idle <= p) {
    backends::gemm(pool, m_, p, n_, a, n_, basis_.data(), n_, y_.data(), p,
                   {.trans_b = true, .alpha = scale_});
    return;
  }
  // Few directions would leave many columns idle; few rows do not.
  std::vector<float> transposed(static_cast<std::size_t>(p * m_));
  backends::gemm(pool, p, m_, n_, basis_.data(), n_, a, n_, transposed.data(), m_,
                 {.trans_b = true, .alpha = scale_});
  for (std::int64_t i = 0; i < m_; ++i) {
    for (std::int64_t k = 0; k < p; ++k) {
      y_[static_cast<std::size_t>(i * p + k)] = transposed[static_cast<std::size_t>(k * m_ + i)];
    }
  }
}

void SubspaceTracker::pass(ThreadPool& pool, const float* a) {
  const std::int64_t p = carried_;
  project(pool, a);
  orthonormalize(pool, m_, p, y_, work_);
  backends::gemm(pool, p, n_, m_, y_.data(), p, a, n_, b_.data(), n_, {.trans_a = true});

  // b b^T = g diag(values) g^T: rotating by g sorts the directions by what they hold.
  std::vector<float> gram(static_cast<std::size_t>(p * p));
  backends::gemm(pool, p, p, n_, b_.data(), n_, b_.data(), n_, gram.data(), p, {.trans_b = true});
  const SymmetricEigen eigen = symmetric_eigen(p, std::vector<double>(gram.begin(), gram.end()).data());
  const std::vector<float> g(eigen.vectors.begin(), eigen.vectors.end());
  backends::gemm(pool, m_, rank_, p, y_.data(), p, g.data(), p, u_.data(), rank_);
  backends::gemm(pool, p, n_, p, g.data(), p, b_.data(), n_, basis_.data(), n_, {.trans_a = true});

  captured_ = 0.0;
  for (std::int64_t i = 0; i < rank_; ++i)
    captured_ += std::max(0.0, eigen.values[static_cast<std::size_t>(i)]);
  const double largest = std::sqrt(std::max(0.0, eigen.values[0]));
  scale_ = largest > 1e-18 ? static_cast<float>(1.0 / largest) : 1.0F;
}

}  // namespace lq
