// Rows of a table by token id.
#pragma once

#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace lq {

// x[t] = table[ids[t]] as f32. table: [vocab, dim] F32, BF16 or F16; x: [tokens, dim].
// Throws Error(kInvalidArgument) naming the position and the id that is outside [0, vocab).
void embedding_forward(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids, Matrix x);

// dtable[ids[t]] += dx[t], tokens in order. dtable: [vocab, dim].
void embedding_backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx, Matrix dtable);

}  // namespace lq
