// Lengths of a matrix's rows and columns, and products with them, on the processor; contracts as in
// ops/lengths.h.
#pragma once

#include "base/parallel.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void row_lengths(ThreadPool& pool, ConstMatrix x, Vector out);
void column_lengths(ThreadPool& pool, ConstMatrix x, Vector out);
void scale_rows(ThreadPool& pool, ConstVector factors, Matrix x);
void scale_columns(ThreadPool& pool, ConstVector factors, Matrix x);
void multiply(ThreadPool& pool, ConstVector x, Vector y);
void quotients(ThreadPool& pool, ConstVector x, ConstVector y, Vector out);
void transpose(ThreadPool& pool, ConstMatrix from, Matrix to);

}  // namespace lq::backends::cpu
