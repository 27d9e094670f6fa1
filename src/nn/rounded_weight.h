// A dense weight that keeps an 8-bit copy for fast decoding: a vocabulary's projection in bf16 is a fifth of
// the bytes that a token of a 4-bit model reads, an adapter of rank 64 in f32 a quarter.
#pragma once

#include <mutex>

#include "nn/dense_weight.h"
#include "tensor/tensor.h"

namespace lq {

// Multiplies as DenseWeight, but a single vector in a context of DecodePrecision::kFast: then by the weight
// rounded to 8 bits (backends/cpu/byte_matrix.h), which the first such product makes. Not where the weight
// learns, and not where a row is no multiple of 64.
class RoundedWeight final : public DenseWeight {
 public:
  using DenseWeight::DenseWeight;

  void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const override;

 private:
  void round(Context& ctx) const;

  mutable std::mutex mutex_;
  mutable const std::byte* rounded_ = nullptr;  // the stored values that the copy was made from
  mutable Tensor values_;                       // I8: [rows, cols]
  mutable Tensor scales_;                       // F32: [rows, cols / 64]
};

}  // namespace lq
