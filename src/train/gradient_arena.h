// The gradients of everything that learns as one buffer, so that a step's gradient is summed, sent and
// cleared as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/parameter.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

class GradientArena {
 public:
  // Makes grad of each parameter a slice of the buffer, in their order, each from a multiple of 64 bytes on;
  // what was in them is forgotten: all is zero. The slices keep the storage, whatever becomes of the arena.
  // The parameters outlive calls of exchange. Throws Error(kInvalidArgument) naming one that does not learn,
  // or lies on another device than the first.
  GradientArena(Context& ctx, std::vector<Parameter*> parameters);

  // Floats of the buffer for these parameters: their sizes, each rounded up to 16.
  static std::int64_t size_for(const std::vector<Parameter*>& parameters);

  // [1, size]; between the slices lie zeros.
  Matrix all() { return matrix_of(buffer_); }
  std::int64_t size() const { return buffer_.numel(); }
  void clear(Context& ctx);
  // The gradients lie in this arena again, where another one was made for some of the parameters.
  void attach() { slice(); }
  // A buffer of the same size, not initialized.
  Tensor another() const;
  // The gradients lie in `buffer` from now on, and it becomes the one that they lay in. REQUIRES: made by
  // another().
  void exchange(Tensor& buffer);

 private:
  void slice();

  std::vector<Parameter*> parameters_;
  Tensor buffer_;  // [1, size]
};

}  // namespace lq
