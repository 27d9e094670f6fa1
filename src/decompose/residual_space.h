// The matrix that low-rank factors are fitted to: W - Q in the importance's coordinates, with its norms. Owns
// the one large workspace of a decomposition.
#pragma once

#include <cstdint>

#include "backends/cpu/dense_residual.h"
#include "decompose/factors.h"
#include "decompose/importance.h"
#include "quant/quantizer.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// out = w - l1 l2. out == w is allowed. The bits depend on the arguments only, not on the number of threads.
void subtract_product(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const float* w,
                      std::int64_t rank, const float* l1, const float* l2, float* out);

class ResidualSpace {
 public:
  // Borrows everything. REQUIRES: the context, and all factors given, are of the processor.
  ResidualSpace(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                const Quantizer& quantizer, const Importance& importance);

  // residual() = W in weighted coordinates; its norms are kept as those that errors are relative to.
  void start();
  // residual() = W - quantize(W - target) in weighted coordinates.
  void quantize(const Factors& target);
  // The same, and the packed matrix whose values they are.
  PackedMatrix quantize_and_pack(const Factors& target);

  // For the calls that follow. Borrowed.
  void set_quantizer(const Quantizer& quantizer) { quantizer_ = &quantizer; }

  // [rows, cols].
  const float* residual() const { return space_.data<float>(); }
  double squared() const { return norms_.squared; }    // ||W - Q||^2, unweighted
  double weighted() const { return norms_.weighted; }  // ||residual()||^2
  double squared_w() const { return squared_w_; }      // ||W||^2
  double weighted_w() const { return weighted_w_; }    // ||W||^2 in the importance

  // Factors whose product in weighted coordinates is u b. u: [rows, rank], b: [>= rank, cols].
  Factors to_plain(std::int64_t rank, const float* u, const float* b) const;
  // Factors whose product is that of `plain` in weighted coordinates.
  Factors to_weighted(const Factors& plain) const;
  // What u b leaves of residual(), squared: entry by entry, where a difference of norms would cancel.
  // u: [rows, rank], b: [>= rank, cols], in weighted coordinates.
  double left_after(std::int64_t rank, const float* u, const float* b) const;
  // What `factors` would leave of residual(), squared, without changing it.
  double error_with(const Factors& factors) const;
  // Replaces residual() by what `factors` leave of it, and its norms by the new ones. REQUIRES: quantize()
  // was called.
  void subtract(const Factors& factors);

 private:
  // What is to be quantized: w - target. In space_, or w itself.
  const float* target_of(const Factors& target);
  // space_ = quantize(w - target).
  void round_trip(const Factors& target);
  // space_ = what is left of w beside the quantized matrix that space_ holds; the norms.
  void measure();
  // space_ becomes T^T space_ S, and norms_.weighted its squared norm.
  void apply_full_importance();

  Context& context_;
  const float* w_;
  std::int64_t rows_;
  std::int64_t cols_;
  const Quantizer* quantizer_;
  const Importance& importance_;
  Tensor space_;
  Tensor other_;         // the second workspace of a full importance
  Factors last_target_;  // of a full importance, where last_packed_ is empty
  PackedMatrix last_packed_;
  backends::ResidualNorms norms_;
  double squared_w_ = 0.0;
  double weighted_w_ = 0.0;
};

}  // namespace lq
