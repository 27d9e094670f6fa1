// The frozen or learning matrix of a linear layer, whatever it is stored as: y = x W^T.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "nn/parameter.h"
#include "ops/packed_matmul.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

// W: [rows, cols] = [outputs, inputs], as Hugging Face stores it. A kind of weight says what it is stored as;
// ops/packed_matmul.h multiplies by it. Const members are thread-safe for distinct workspaces.
class Weight {
 public:
  // At most this many rows of x take the direct path.
  static constexpr std::int64_t kFewRows = kPackedFewRows;

  virtual ~Weight() = default;
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t cols() const = 0;
  // Bytes of the stored form: what one multiplication has to read.
  virtual std::int64_t bytes() const = 0;
  // As the ops take it: valid while the stored form stays where it is.
  virtual backends::PackedView view() const = 0;
  // Brings a stored form of its own to the context's device (a parameter goes by itself); it stays valid on
  // the processor too. Throws Error(kUnsupported) where that device cannot decode it.
  virtual void to_device(Context& ctx) { (void)ctx; }
  // For a job that decodes, after to_device: packed anew where products of few rows gain by it; and how many
  // bytes that takes more on the context's device.
  virtual void to_tiles(Context& ctx) { (void)ctx; }
  virtual std::int64_t tile_growth(const Context& ctx) const { return (void)ctx, 0; }
  // The parameter behind a dense weight, else null.
  virtual Parameter* parameter() { return nullptr; }

  // y = x W^T.    x: [n, cols], y: [n, rows]
  virtual void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
    packed_matmul_forward(ctx, ws, view(), x, y);
  }
  // dx = dy W, or dx += dy W.    dy: [n, rows], dx: [n, cols]
  void backward_input(Context& ctx, ConstMatrix dy, Matrix dx, bool accumulate) const {
    packed_matmul_backward(ctx, view(), dy, dx, accumulate);
  }
};

}  // namespace lq
