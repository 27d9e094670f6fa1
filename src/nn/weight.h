// The frozen or learning matrix of a linear layer, whatever it is stored as: y = x W^T.
#pragma once

#include <cstdint>

#include "nn/parameter.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

// W: [rows, cols] = [outputs, inputs], as Hugging Face stores it. Many rows of x: rows of W are brought to
// f32 where the matrix product copies them (gemm_rows), a few at a time. Few rows (decoding): straight from
// the stored form. Const members are thread-safe for distinct workspaces.
class Weight {
 public:
  // At most this many rows of x take the direct path.
  static constexpr std::int64_t kFewRows = 4;

  virtual ~Weight() = default;
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t cols() const = 0;
  // Bytes of the stored form: what one multiplication has to read.
  virtual std::int64_t bytes() const = 0;
  // out[count, cols] = rows [begin, begin + count) as f32.
  virtual void read_rows(Context& ctx, std::int64_t begin, std::int64_t count, float* out) const = 0;
  // Where W already lies in memory as aligned f32, else null.
  virtual const float* as_f32() const { return nullptr; }
  // The parameter behind a dense weight, else null.
  virtual Parameter* parameter() { return nullptr; }

  // y = x W^T.    x: [n, cols], y: [n, rows]
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const;
  // dx = dy W, or dx += dy W.    dy: [n, rows], dx: [n, cols]
  void backward_input(Context& ctx, ConstMatrix dy, Matrix dx, bool accumulate) const;

 protected:
  // y = x W^T for n <= kFewRows. False: not for this weight or shape.
  virtual bool forward_few(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const = 0;
};

}  // namespace lq
