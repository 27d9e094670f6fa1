// The leading singular subspace of a matrix that changes a little between calls: one pass of subspace
// iteration from where the last one ended, instead of a whole SVD.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"

namespace lq {

class SubspaceTracker {
 public:
  // Carries min(rank + oversampling, m, n) directions, at first random. REQUIRES: 0 < rank <= min(m, n).
  SubspaceTracker(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t rank,
                  std::int64_t oversampling, std::uint64_t seed, std::uint64_t stream);

  // One product a v and one u^T a. Then u() basis() is the best approximation of a of this rank whose columns
  // lie in the tracked subspace. a: [m, n], finite. The same bits on any number of threads.
  void pass(ThreadPool& pool, const float* a);

  const std::vector<float>& u() const { return u_; }  // [m, rank], orthonormal columns
  const std::vector<float>& basis() const {
    return basis_;
  }  // [>= rank, n], orthogonal rows, longest first: u^T a
  // ||u() basis()||^2: what of ||a||^2 the approximation holds.
  double captured() const { return captured_; }
  std::int64_t rank() const { return rank_; }

 private:
  void project(ThreadPool& pool, const float* a);

  std::int64_t m_;
  std::int64_t n_;
  std::int64_t rank_;
  std::int64_t carried_;
  float scale_ = 1.0F;  // keeps products near the size of a
  double captured_ = 0.0;
  std::vector<float> y_, b_, u_, basis_, work_;
};

}  // namespace lq
