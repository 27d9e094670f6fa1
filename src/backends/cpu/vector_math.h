// Loops over matrices that lie on the processor, for what has no kernel on other devices; contracts as in
// ops/host_math.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "base/rng.h"
#include "tensor/dtype.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

double sum_of_squares(ThreadPool& pool, ConstVector x, std::int64_t chunk);
double squared_distance(ThreadPool& pool, ConstVector x, ConstVector y, std::int64_t chunk);
double store_rounded(ThreadPool& pool, DType dtype, ConstVector x, std::byte* out, std::int64_t chunk);
std::int64_t first_not_finite(ThreadPool& pool, ConstVector x);

void subtract(ThreadPool& pool, ConstVector x, ConstVector y, Vector out);
void divide(ThreadPool& pool, ConstVector x, float by, Vector out);
void copy_scaled_columns(float factor, ConstMatrix from, Matrix to, std::int64_t at);
void fill_uniform(ThreadPool& pool, const Rng& rng, double bound, Vector out);

}  // namespace lq::backends::cpu
