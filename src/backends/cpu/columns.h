// Columns of a matrix copied on the processor; contracts as in ops/columns.h.
#pragma once

#include <cstdint>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void take_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to);
void put_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to);

}  // namespace lq::backends::cpu
