// Cholesky factors of second moments, R = S S^T, and products with S and its inverse. Blocked, so that GEMM
// does the work; f32 storage, for up to some ten thousand rows.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/parallel.h"

namespace lq {

class LowerFactor {
 public:
  // Rows of a diagonal block.
  static constexpr std::int64_t kBlock = 128;

  // second_moment: [n, n], symmetric, positive semidefinite up to rounding; only the lower triangle is read.
  // `damping` times the mean of the diagonal is added to the diagonal; ten times more, again and again, where
  // the matrix is not positive definite in f32 even so (see damping()). A zero matrix gives S = I. Throws
  // Error(kInvalidArgument) naming `who` for NaN, infinity or a negative diagonal.
  static LowerFactor of_second_moment(ThreadPool& pool, std::int64_t n, std::vector<float> second_moment,
                                      double damping, std::string_view who);

  std::int64_t size() const { return n_; }
  // [n, n] row-major, zero above the diagonal.
  const std::vector<float>& values() const { return s_; }
  // Of the diagonal blocks, one after the other: [kBlock, kBlock] each, the last one [rest, rest].
  const std::vector<float>& diagonal_inverses() const { return inverses_; }
  // The share of the mean of the diagonal that was really added.
  double damping() const { return damping_; }
  // Diagonal of S S^T.
  std::vector<float> diagonal() const;

  // out[m, n] = a[m, n] S. out != a.
  void multiply_right(ThreadPool& pool, std::int64_t m, const float* a, float* out) const;
  // out[n, m] = S^T a[n, m]. out != a.
  void multiply_transposed_left(ThreadPool& pool, std::int64_t m, const float* a, float* out) const;
  // x[m, n] becomes x S^-1.
  void solve_right(ThreadPool& pool, std::int64_t m, float* x) const;
  // x[n, m] becomes S^-T x.
  void solve_transposed_left(ThreadPool& pool, std::int64_t m, float* x) const;

 private:
  LowerFactor() = default;
  // False where a pivot is not positive.
  bool factor(ThreadPool& pool);

  std::int64_t n_ = 0;
  double damping_ = 0.0;
  std::vector<float> s_;
  std::vector<float> inverses_;
};

}  // namespace lq
