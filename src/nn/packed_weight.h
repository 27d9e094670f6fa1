// A packed weight of any format: the Q of LQ-LoRA, never dense as a whole.
#pragma once

#include <utility>

#include "nn/weight.h"
#include "ops/packed_on_device.h"
#include "ops/packed_tiles.h"
#include "quant/packed_matrix.h"

namespace lq {

class PackedWeight final : public Weight {
 public:
  explicit PackedWeight(PackedMatrix matrix) : matrix_(std::move(matrix)) {}

  const PackedMatrix& matrix() const { return matrix_; }
  std::int64_t rows() const override { return matrix_.rows(); }
  std::int64_t cols() const override { return matrix_.cols(); }
  std::int64_t bytes() const override { return matrix_.storage_bytes(); }
  backends::PackedView view() const override { return placed_.parts.empty() ? matrix_.view() : placed_.view; }
  void to_device(Context& ctx) override {
    if (view().device != ctx.device) placed_ = copy_to_device(ctx, matrix_.view());
  }
  void to_tiles(Context& ctx) override {
    if (!placed_.parts.empty()) lq::to_tiles(ctx, placed_);
  }
  std::int64_t tile_growth(const Context& ctx) const override { return lq::tile_growth(ctx, matrix_.view()); }

 private:
  PackedMatrix matrix_;
  PackedOnDevice placed_;  // no parts: on the processor
};

}  // namespace lq
