// Rows of a matrix gathered, scattered and weighed, one by one.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// to[i] = from[rows[i]].
void take_rows(Context& ctx, ConstMatrix from, std::span<const std::int32_t> rows, Matrix to);
// to[rows[i]] += factors[i] * from[i]. REQUIRES: no row twice.
void add_rows(Context& ctx, ConstMatrix from, ConstVector factors, std::span<const std::int32_t> rows,
              Matrix to);
// dots[i] = x[i] . y[i].
void row_dots(Context& ctx, ConstMatrix x, ConstMatrix y, Vector dots);
// x[i] *= factors[i].
void scale_rows(Context& ctx, ConstVector factors, Matrix x);

}  // namespace lq
