// What the alternation between factors and quantization is made of, wherever it is computed: the residual of
// one matrix, the leading subspace that follows it, and the products of thin matrices between them.
#pragma once

#include <cstdint>
#include <memory>

#include "decompose/factors.h"
#include "decompose/importance.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

class Alternation {
 public:
  virtual ~Alternation() = default;

  // Where factors lie. "To be quantized" below is W minus a target.
  virtual Context& place() = 0;
  // For the calls that follow. Borrowed.
  virtual void set_quantizer(const Quantizer& quantizer) = 0;

  // The residual is W in weighted coordinates; its norms are kept as those that errors are relative to.
  virtual void start() = 0;
  // Directions to follow are drawn anew. REQUIRES: 0 < rank <= min(rows, cols).
  virtual void seek(std::int64_t rank, std::int64_t oversampling, std::uint64_t stream) = 0;
  // The residual is W - quantize(W - target) in weighted coordinates.
  virtual void quantize(const Factors& target) = 0;
  // The same, and the packed matrix whose values they are. REQUIRES: the quantizer has a stored form.
  virtual PackedMatrix quantize_and_pack(const Factors& target) = 0;
  // Passes of the subspace over the residual. REQUIRES: seek() was called, here and below where it is asked.
  virtual void track(int passes) = 0;

  virtual double squared() const = 0;     // ||W - Q||^2, unweighted
  virtual double weighted() const = 0;    // ||residual||^2
  virtual double squared_w() const = 0;   // ||W||^2
  virtual double weighted_w() const = 0;  // ||W||^2 in the importance
  virtual double captured() const = 0;    // of weighted(), what the approximation in the subspace holds

  // A step beyond that approximation S, away from `last`: S + relaxation (S - P last), where P projects onto
  // the columns of S. In weighted coordinates, `last` too (rank 0: S itself).
  virtual Factors advance(const Factors& last, double relaxation) = 0;
  // The plain factors of weighted ones.
  virtual Factors to_plain(const Factors& weighted) = 0;
  // Plain factors of S that share its singular values evenly: L1 = U sqrt(s), L2 = sqrt(s) V^T in weighted
  // coordinates.
  virtual Factors balanced() = 0;

  // What S leaves of the residual, squared: entry by entry, where a difference of norms would cancel.
  virtual double left_after_tracked() = 0;
  // What plain factors would leave of it, squared, without changing it.
  virtual double error_with(const Factors& plain) = 0;
  // Replaces the residual by what plain factors leave of it, and its norms by the new ones. REQUIRES:
  // quantize() or quantize_and_pack() was called.
  virtual void subtract(const Factors& plain) = 0;
};

// On the context's device: the processor's to the same bits on any number of threads, a CUDA device's
// (device_alternation.h) to the same bits in every run on one card. Borrows everything.
std::unique_ptr<Alternation> make_alternation(Context& context, const float* w, std::int64_t rows,
                                              std::int64_t cols, const Quantizer& quantizer,
                                              const Importance& importance);

}  // namespace lq
