// Ops on numbers that lie on the processor, for work around a model: setting adapters up, exporting,
// reporting. They take a pool and no context, and refuse memory of other devices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "base/rng.h"
#include "tensor/dtype.h"
#include "tensor/matrix.h"

namespace lq {

// Sums in double are made element by element within each `chunk` elements, and the chunks' sums are added in
// their order: the same bits on any number of threads, and for ever those of the figures that are on record.
inline constexpr std::int64_t kSumChunk = 1 << 16;

// sum x[i]^2.
double sum_of_squares(ThreadPool& pool, ConstVector x, std::int64_t chunk = kSumChunk);
// sum (x[i] - y[i])^2. Same lengths.
double squared_distance(ThreadPool& pool, ConstVector x, ConstVector y, std::int64_t chunk = kSumChunk);
// out = x in `dtype` (F32, BF16 or F16); returns the squared error of that. REQUIRES: out holds them.
double store_rounded(ThreadPool& pool, DType dtype, ConstVector x, std::byte* out);
// The place of the first NaN or infinity; x.size() where there is none.
std::int64_t first_not_finite(ThreadPool& pool, ConstVector x);

// out = x - y. Same lengths; out may be x or y.
void subtract(ThreadPool& pool, ConstVector x, ConstVector y, Vector out);
// out = x / by. Same lengths; out may be x.
void divide(ThreadPool& pool, ConstVector x, float by, Vector out);
// to[i, at + j] = factor * from[i, j]. Same rows; the columns fit.
void copy_scaled_columns(float factor, ConstMatrix from, Matrix to, std::int64_t at);
// out[i] = a number of rng at i, uniform in [-bound, bound).
void fill_uniform(ThreadPool& pool, const Rng& rng, double bound, Vector out);

}  // namespace lq
