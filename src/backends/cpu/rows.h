// Rows of matrices gathered and scattered on the processor; contracts as in ops/rows.h.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void take_rows(Context& ctx, ConstMatrix from, std::span<const std::int32_t> rows, Matrix to);
void add_rows(Context& ctx, ConstMatrix from, ConstVector factors, std::span<const std::int32_t> rows,
              Matrix to);
void row_dots(Context& ctx, ConstMatrix x, ConstMatrix y, Vector dots);
void scale_rows(Context& ctx, ConstVector factors, Matrix x);

}  // namespace lq::backends::cpu
