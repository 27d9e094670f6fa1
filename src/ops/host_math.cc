#include "ops/host_math.h"

#include "backends/cpu/vector_math.h"
#include "ops/dispatch.h"

namespace lq {

double sum_of_squares(ThreadPool& pool, ConstVector x, std::int64_t chunk) {
  cpu_only("sum_of_squares", {{"x", x.device()}});
  return backends::cpu::sum_of_squares(pool, x, chunk);
}

double squared_distance(ThreadPool& pool, ConstVector x, ConstVector y, std::int64_t chunk) {
  check_length("squared_distance y", y, std::ssize(x));
  cpu_only("squared_distance", {{"x", x.device()}, {"y", y.device()}});
  return backends::cpu::squared_distance(pool, x, y, chunk);
}

double store_rounded(ThreadPool& pool, DType dtype, ConstVector x, std::byte* out) {
  cpu_only("store_rounded", {{"x", x.device()}});
  return backends::cpu::store_rounded(pool, dtype, x, out, kSumChunk);
}

std::int64_t first_not_finite(ThreadPool& pool, ConstVector x) {
  cpu_only("first_not_finite", {{"x", x.device()}});
  return backends::cpu::first_not_finite(pool, x);
}

void subtract(ThreadPool& pool, ConstVector x, ConstVector y, Vector out) {
  check_length("subtract x", x, std::ssize(out));
  check_length("subtract y", y, std::ssize(out));
  cpu_only("subtract", {{"x", x.device()}, {"y", y.device()}, {"out", out.device()}});
  backends::cpu::subtract(pool, x, y, out);
}

void divide(ThreadPool& pool, ConstVector x, float by, Vector out) {
  check_length("divide x", x, std::ssize(out));
  cpu_only("divide", {{"x", x.device()}, {"out", out.device()}});
  backends::cpu::divide(pool, x, by, out);
}

void copy_scaled_columns(float factor, ConstMatrix from, Matrix to, std::int64_t at) {
  LQ_CHECK(from.rows == to.rows && at >= 0 && at + from.cols <= to.cols, kMismatch,
           "[ops] copy_scaled_columns: [{}, {}] at column {} of [{}, {}]", from.rows, from.cols, at, to.rows,
           to.cols);
  cpu_only("copy_scaled_columns", {{"from", from.device}, {"to", to.device}});
  backends::cpu::copy_scaled_columns(factor, from, to, at);
}

void fill_uniform(ThreadPool& pool, const Rng& rng, double bound, Vector out) {
  cpu_only("fill_uniform", {{"out", out.device()}});
  backends::cpu::fill_uniform(pool, rng, bound, out);
}

}  // namespace lq
