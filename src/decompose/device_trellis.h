// Trellis codes (quant/trellis) on a CUDA device. Without feedback, for a given target, codes and scales are
// the processor's, bit for bit; with it, but for sums over many errors, which round otherwise.
#pragma once

#include <cstdint>

#include "backends/cuda/trellis_encode.h"
#include "backends/trellis_rounding.h"
#include "decompose/device_coder.h"
#include "quant/trellis/trellis_layout.h"
#include "tensor/tensor.h"

namespace lq {

class DeviceTrellis final : public DeviceCoder {
 public:
  // Borrows everything. REQUIRES: a trellis_rounding().
  DeviceTrellis(Context& context, std::int64_t rows, std::int64_t cols, const Quantizer& quantizer,
                const Importance& importance, const DeviceImportance& there);

  void round(const float* target, float* room, float* q) override;
  PackedMatrix packed() override;

  static std::int64_t bytes(std::int64_t rows, std::int64_t cols, bool left, bool right);

 private:
  bool feeds_back() const { return rounding_.feedback && there_.right != nullptr; }
  backends::cuda::TrellisCodes codes(int state_bits);
  // Chooses all codes; fits: scales are fitted to them.
  void choose(const float* target, float* room, int state_bits, bool fits);

  Context& context_;
  std::int64_t rows_;
  std::int64_t cols_;
  DeviceImportance there_;
  backends::TrellisRounding rounding_;
  TrellisConfig config_;
  TrellisSizes sizes_;
  Tensor tiles_, scales_, scales2_, offset_;
  Tensor targets_;                // of scales
  Tensor products_, squares_;     // of a fit, doubles
  Tensor tile_rows_, tile_cols_;  // what a tile's elements count by, with feedback
  Tensor below_, passed_, before_, units_;
  Tensor errors_;  // E, where rows are moved
};

}  // namespace lq
