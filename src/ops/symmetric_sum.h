// The sum of x x^T over many vectors, in double, lower triangle only: half the work and half the memory.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"
#include "tensor/workspace.h"

namespace lq {

// x with row t multiplied by the norm of row t of g: what SymmetricSum is given for a sum of |g|^2 x x^T.
// REQUIRES: as many rows of both, without gaps, on the context's device.
Tensor scaled_by_norms(Context& ctx, ConstMatrix x, ConstMatrix g);

// Products of up to a few thousand rows are made in f32, where a matrix product is fast, and added in double.
class SymmetricSum {
 public:
  SymmetricSum() = default;
  explicit SymmetricSum(std::int64_t n);  // on the processor
  // Zero, on the context's device.
  SymmetricSum(Context& ctx, std::int64_t n);

  static std::int64_t bytes(std::int64_t n);
  std::int64_t size() const { return n_; }

  // sum += x^T x for x: [rows, n], as jobs 0 .. jobs()-1 that may run in any order or at once (from inside a
  // body of the pool); every job once for each x, one x after the other: sums don't depend on the threads.
  std::int64_t jobs() const { return jobs_; }
  void run_job(ThreadPool& pool, std::int64_t job, const float* x, std::int64_t rows);
  // The same as a whole on the device that sum and x lie on, in the context's MatmulPrecision. Not on the
  // processor.
  void add(Context& ctx, Workspace& ws, ConstMatrix x);
  // Floats of a workspace that add() takes for x of that many rows.
  static std::int64_t scratch(std::int64_t n, std::int64_t rows);
  // From where it lies. What follows is of the processor.
  void to_host(Context& ctx);

  // The sum of |x|^2: of the diagonal.
  double trace() const;
  // out[n, n] = factor * sum, both triangles, to f32.
  void write(ThreadPool& pool, double factor, float* out) const;

  // All of the state, where it lies, for saving and bringing back: F64, of a shape that depends on n only.
  const Tensor& state() const { return sums_; }
  Tensor& state() { return sums_; }

 private:
  // Rows [begin, begin + height) of the triangle, columns [0, begin + height), row-major.
  struct Strip {
    std::int64_t begin, height, width, offset;
  };
  Strip strip(std::int64_t index) const;
  SymmetricSum(std::int64_t n, Tensor sums);

  std::int64_t n_ = 0;
  std::int64_t tile_ = 0;
  std::int64_t jobs_ = 0;
  Tensor sums_;
};

}  // namespace lq
