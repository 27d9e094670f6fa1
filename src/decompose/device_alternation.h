// The alternation on a CUDA device: the matrix, its residual and the factors stay there from the first
// iteration to the last. Codes of codebooks and trellis codes are chosen there, without feedback to the
// processor's bits for the same target; those of other formats, and method gptq's, by the processor, the
// target going there and back. The processor also solves the small eigenproblems and packs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "backends/cuda/quantize.h"
#include "decompose/alternation.h"
#include "decompose/device_coder.h"
#include "decompose/device_factor.h"
#include "decompose/device_pool.h"
#include "decompose/device_subspace.h"

namespace lq {

// Bytes of a device that one matrix takes in a decomposition at this rank and oversampling. left, right:
// whether the importance has a factor of that side. coder: whether a quantizer of it has_device_coder().
std::int64_t device_alternation_bytes(std::int64_t rows, std::int64_t cols, std::int64_t rank,
                                      std::int64_t oversampling, bool left, bool right, bool coder);

// The same bits in every run on one card with one version of cuBLAS.
class DeviceAlternation final : public Alternation {
 public:
  // Borrows everything. REQUIRES: the context's device is a CUDA device, with its queue. Throws Error(kIo)
  // with need, free and what to change where the device has no room.
  DeviceAlternation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                    const Quantizer& quantizer, const Importance& importance);

  Context& place() override { return context_; }
  void set_quantizer(const Quantizer& quantizer) override;
  void start() override;
  void seek(std::int64_t rank, std::int64_t oversampling, std::uint64_t stream) override;
  void quantize(const Factors& target) override;
  PackedMatrix quantize_and_pack(const Factors& target) override;
  void track(int passes) override;
  double squared() const override { return norms_.squared; }
  double weighted() const override { return norms_.weighted; }
  double squared_w() const override { return norms_w_.squared; }
  double weighted_w() const override { return norms_w_.weighted; }
  double captured() const override { return subspace_->captured(); }
  Factors advance(const Factors& last, double relaxation) override;
  Factors to_plain(const Factors& weighted) override;
  Factors balanced() override;
  double left_after_tracked() override;
  double error_with(const Factors& plain) override;
  void subtract(const Factors& plain) override;

 private:
  // Scales of the importance: errors are multiplied by them, factors by their inverses.
  struct Sides {
    Tensor row, col, row_inverse, col_inverse;
    Tensor row_square, col_square;  // for a search of scales
  };

  DeviceQueue& queue() const;
  Tensor moved(const float* values, std::int64_t count) const;
  // Weighted factors' copies as plain ones' coordinates want them, and back.
  Factors to_weighted(const Factors& plain);
  // S: the subspace's u, and as many rows of its basis.
  Factors tracked();
  Factors pooled_copy(const float* l1, const float* l2, std::int64_t rank);
  // to -= l1 l2.
  void subtract_product(const float* l1, const float* l2, std::int64_t rank, std::int64_t first_row,
                        std::int64_t rows, float* to);
  // W - target: in `room`, or W itself.
  const float* target_in(const Factors& target, float* room);
  // out = W - the rounded `target`, weighted where the importance is diagonal. out may be the target.
  void round_to_residual(const float* target, bool weigh, float* out);
  // The same for a Q that is in `out`, or that the processor has made.
  void residual_of(bool weigh, float* out);
  void take_rounded(const float* q, bool weigh, float* out);
  void take_packed(bool weigh, float* out);
  // room = W - Q of the last target again, unweighted.
  void last_residual(float* room);
  Tensor on_host(const float* values) const;
  // The residual becomes T^T residual S, where there are such factors, and norms_.weighted its squared norm.
  void apply_full_importance();
  double left_after(const float* u, const float* b, std::int64_t rank);

  Context context_;
  const float* w_;
  std::int64_t rows_;
  std::int64_t cols_;
  const Quantizer* quantizer_;
  const Importance& importance_;
  DevicePool pool_;
  Tensor on_device_;  // W
  Tensor residual_;
  Tensor other_;   // the second workspace of a full importance
  Tensor scales_;  // of blocks
  Tensor panel_;   // rows of a residual
  Sides sides_;
  std::optional<DeviceFactor> left_, right_;
  std::unique_ptr<DeviceCoder> coder_;  // of the quantizer's codes, where they have one
  std::optional<DeviceSubspace> subspace_;
  Factors last_target_;       // of a full importance
  PackedMatrix last_packed_;  // of the last quantize_and_pack()
  backends::cuda::ResidualSums norms_, norms_w_;
};

}  // namespace lq
