// Codes of a codebook with error feedback (quant/codebook/feedback.h) on a CUDA device. For a given target
// scales are the processor's, bit for bit; codes but where a sum over many errors, rounded otherwise, falls
// on the other side of a midpoint.
#pragma once

#include <cstdint>

#include "backends/codebook_rounding.h"
#include "decompose/device_coder.h"
#include "tensor/tensor.h"

namespace lq {

class DeviceFeedback final : public DeviceCoder {
 public:
  // Borrows everything. REQUIRES: a codebook_rounding() with feedback.
  DeviceFeedback(Context& context, std::int64_t rows, std::int64_t cols, const Quantizer& quantizer,
                 const Importance& importance, const DeviceImportance& there);

  void round(const float* target, float* room, float* q) override;
  PackedMatrix packed() override;

  static std::int64_t bytes(std::int64_t rows, std::int64_t cols, bool left);

 private:
  // What the codes were, or (moved not null) would be, rounded from, under the scales that there are.
  void choose(const float* target, float* room, float* q, float* moved);

  Context& context_;
  std::int64_t rows_;
  std::int64_t cols_;
  const Quantizer& quantizer_;
  const Importance& importance_;
  DeviceImportance there_;
  backends::CodebookRounding rounding_;
  Tensor scales_, codes_, wanted_, passed_;
  Tensor errors_;  // E, where rows are moved
  Tensor moved_;   // what scales are chosen for, where that is not the target
  Tensor host_;    // what scales were chosen for last, for the packer
};

}  // namespace lq
