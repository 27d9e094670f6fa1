// The alternation on the processor.
#pragma once

#include <optional>

#include "decompose/alternation.h"
#include "decompose/residual_space.h"
#include "linalg/subspace_tracker.h"

namespace lq {

// Memory: that of its ResidualSpace. The same bits on any number of threads.
class HostAlternation final : public Alternation {
 public:
  // Borrows everything.
  HostAlternation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                  const Quantizer& quantizer, const Importance& importance);

  Context& place() override { return context_; }
  void set_quantizer(const Quantizer& quantizer) override { space_.set_quantizer(quantizer); }
  void start() override { space_.start(); }
  void seek(std::int64_t rank, std::int64_t oversampling, std::uint64_t stream) override;
  void quantize(const Factors& target) override { space_.quantize(target); }
  PackedMatrix quantize_and_pack(const Factors& target) override { return space_.quantize_and_pack(target); }
  void track(int passes) override;
  double squared() const override { return space_.squared(); }
  double weighted() const override { return space_.weighted(); }
  double squared_w() const override { return space_.squared_w(); }
  double weighted_w() const override { return space_.weighted_w(); }
  double captured() const override { return tracker_->captured(); }
  Factors advance(const Factors& last, double relaxation) override;
  Factors to_plain(const Factors& weighted) override;
  Factors balanced() override;
  double left_after_tracked() override;
  double error_with(const Factors& plain) override { return space_.error_with(plain); }
  void subtract(const Factors& plain) override { space_.subtract(plain); }

 private:
  // S: the tracker's u, and as many rows of its basis.
  Factors tracked() const;

  Context context_;  // of the processor
  std::int64_t rows_;
  std::int64_t cols_;
  ResidualSpace space_;
  std::optional<SubspaceTracker> tracker_;
};

}  // namespace lq
