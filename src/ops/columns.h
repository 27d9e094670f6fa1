// Columns of a matrix, copied: where one projection's outputs hold several things side by side.
#pragma once

#include <cstdint>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// to = columns [begin, begin + to.cols) of from.
void take_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to);
// Columns [begin, begin + from.cols) of to = from; the others stay.
void put_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to);

}  // namespace lq
