// Lengths of a matrix's rows and columns, and products with them: what weights with magnitudes of their own
// (DoRA) are made of. They take a pool and no context, and refuse memory of other devices.
#pragma once

#include "base/parallel.h"
#include "tensor/matrix.h"

namespace lq {

// out[i] = sqrt(sum_j x[i, j]^2), summed in double and in order: the same bits on any number of threads.
void row_lengths(ThreadPool& pool, ConstMatrix x, Vector out);
// out[j] = sqrt(sum_i x[i, j]^2), likewise.
void column_lengths(ThreadPool& pool, ConstMatrix x, Vector out);

// x[i, j] *= factors[i].
void scale_rows(ThreadPool& pool, ConstVector factors, Matrix x);
// x[i, j] *= factors[j].
void scale_columns(ThreadPool& pool, ConstVector factors, Matrix x);
// y[i, j] *= x[i, j], same shapes.
void multiply(ThreadPool& pool, ConstMatrix x, Matrix y);
// out[i] = x[i] / y[i]. Same lengths; out may be x or y.
void quotients(ThreadPool& pool, ConstVector x, ConstVector y, Vector out);

// to[j, i] = from[i, j], apart.
void transpose(ThreadPool& pool, ConstMatrix from, Matrix to);

}  // namespace lq
