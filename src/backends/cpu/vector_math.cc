#include "backends/cpu/vector_math.h"

#include <atomic>
#include <cmath>
#include <vector>

#include "tensor/tensor.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kVectorGrain = 1 << 16;

}  // namespace

double sum_of_squares(ThreadPool& pool, ConstVector x, std::int64_t chunk) {
  return parallel_sum(pool, std::ssize(x), chunk, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) sum += double{x.data()[i]} * double{x.data()[i]};
    return sum;
  });
}

double squared_distance(ThreadPool& pool, ConstVector x, ConstVector y, std::int64_t chunk) {
  return parallel_sum(pool, std::ssize(x), chunk, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) {
      const double d = double{x.data()[i]} - double{y.data()[i]};
      sum += d * d;
    }
    return sum;
  });
}

double store_rounded(ThreadPool& pool, DType dtype, ConstVector x, std::byte* out, std::int64_t chunk) {
  return parallel_sum(pool, std::ssize(x), chunk, [&](std::int64_t begin, std::int64_t end) {
    std::byte* const to = out + static_cast<std::size_t>(begin) * dtype_size(dtype);
    convert_from_f32(dtype, x.data() + begin, end - begin, to);
    std::vector<float> back(static_cast<std::size_t>(end - begin));
    convert_to_f32(dtype, to, 0, end - begin, back.data());
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) {
      const double d = double{back[static_cast<std::size_t>(i - begin)]} - double{x.data()[i]};
      sum += d * d;
    }
    return sum;
  });
}

std::int64_t first_not_finite(ThreadPool& pool, ConstVector x) {
  const std::int64_t n = std::ssize(x);
  std::atomic<std::int64_t> first{n};
  parallel_for(pool, n, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    float sum = 0.0F;  // v * 0 is 0 for finite v and NaN otherwise: one pass without branches
    for (std::int64_t i = begin; i < end; ++i) sum += x.data()[i] * 0.0F;
    if (sum == 0.0F) return;
    std::int64_t i = begin;
    while (std::isfinite(x.data()[i])) ++i;
    std::int64_t known = first.load();
    while (i < known && !first.compare_exchange_weak(known, i)) {
    }
  });
  return first.load();
}

void subtract(ThreadPool& pool, ConstVector x, ConstVector y, Vector out) {
  parallel_for(pool, std::ssize(out), kVectorGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out.data()[i] = x.data()[i] - y.data()[i];
  });
}

void divide(ThreadPool& pool, ConstVector x, float by, Vector out) {
  parallel_for(pool, std::ssize(out), kVectorGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out.data()[i] = x.data()[i] / by;
  });
}

void copy_scaled_columns(float factor, ConstMatrix from, Matrix to, std::int64_t at) {
  for (std::int64_t i = 0; i < from.rows; ++i) {
    for (std::int64_t j = 0; j < from.cols; ++j) to.row(i)[at + j] = factor * from.row(i)[j];
  }
}

void fill_uniform(ThreadPool& pool, const Rng& rng, double bound, Vector out) {
  parallel_for(pool, std::ssize(out), kVectorGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      out.data()[i] = static_cast<float>((2.0 * rng.uniform(static_cast<std::uint64_t>(i)) - 1.0) * bound);
    }
  });
}

}  // namespace lq::backends::cpu
