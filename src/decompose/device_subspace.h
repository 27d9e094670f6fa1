// The leading singular subspace of a matrix on a CUDA device that changes a little between passes:
// linalg/subspace_tracker.h with all that is long on the device, and the eigenproblem of the directions on
// the processor.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

class DeviceSubspace {
 public:
  // Carries min(rank + oversampling, m, n) directions, at first random: the processor's. REQUIRES: 0 < rank
  // <= min(m, n); the context outlives it.
  DeviceSubspace(Context& context, std::int64_t m, std::int64_t n, std::int64_t rank,
                 std::int64_t oversampling, std::uint64_t stream);

  // One product a v and one u^T a, in f32; Gram matrices in double, in a fixed order. a: [m, n], finite.
  void pass(const float* a);

  const Tensor& u() const { return u_; }          // [m, rank], orthonormal columns
  const Tensor& basis() const { return basis_; }  // [>= rank, n], orthogonal rows, longest first: u^T a
  double captured() const { return captured_; }   // ||u basis||^2
  // Squared lengths of the rows of basis.
  const std::vector<double>& squares() const { return squares_; }
  std::int64_t rank() const { return rank_; }

  // Of the device.
  static std::int64_t bytes(std::int64_t m, std::int64_t n, std::int64_t rank, std::int64_t oversampling);

 private:
  void orthonormalize();
  // y becomes y D L^-T; false, and nothing changed, where its columns are nearly dependent.
  bool divide(std::vector<double>& gram);
  std::vector<double> gram_of_columns() const;

  Context& context_;
  std::int64_t m_;
  std::int64_t n_;
  std::int64_t rank_;
  std::int64_t carried_;
  float scale_ = 1.0F;  // keeps products near the size of a
  double captured_ = 0.0;
  std::vector<double> squares_;
  Tensor y_, work_, b_, u_, basis_;
  Tensor small_;  // [carried, carried]
};

}  // namespace lq
