// Rows of a table by id on the processor; contracts as in ops/embedding.h, which has checked the ids.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace lq::backends::cpu {

void embedding_forward(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids, Matrix x);
void embedding_backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx, Matrix dtable);

}  // namespace lq::backends::cpu
