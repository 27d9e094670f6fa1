#include "backends/cpu/lengths.h"

#include <cmath>
#include <vector>

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kLengthRows = 16;
constexpr std::int64_t kLengthGrain = 1 << 14;

}  // namespace

void row_lengths(ThreadPool& pool, ConstMatrix x, Vector out) {
  parallel_for(pool, x.rows, kLengthRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double sum = 0.0;
      for (std::int64_t j = 0; j < x.cols; ++j) sum += double{x.row(i)[j]} * double{x.row(i)[j]};
      out.data()[i] = static_cast<float>(std::sqrt(sum));
    }
  });
}

void column_lengths(ThreadPool& pool, ConstMatrix x, Vector out) {
  parallel_for(pool, x.cols, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(end - begin));
    for (std::int64_t i = 0; i < x.rows; ++i) {
      const float* const row = x.row(i) + begin;
      for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += double{row[j]} * double{row[j]};
    }
    for (std::size_t j = 0; j < sums.size(); ++j) {
      out.data()[begin + static_cast<std::int64_t>(j)] = static_cast<float>(std::sqrt(sums[j]));
    }
  });
}

void scale_rows(ThreadPool& pool, ConstVector factors, Matrix x) {
  parallel_for(pool, x.rows, kLengthRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) x.row(i)[j] *= factors.data()[i];
    }
  });
}

void scale_columns(ThreadPool& pool, ConstVector factors, Matrix x) {
  parallel_for(pool, x.rows, kLengthRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) x.row(i)[j] *= factors.data()[j];
    }
  });
}

void multiply(ThreadPool& pool, ConstVector x, Vector y) {
  parallel_for(pool, std::ssize(y), kLengthGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y.data()[i] *= x.data()[i];
  });
}

void quotients(ThreadPool& pool, ConstVector x, ConstVector y, Vector out) {
  parallel_for(pool, std::ssize(out), kLengthGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out.data()[i] = x.data()[i] / y.data()[i];
  });
}

void transpose(ThreadPool& pool, ConstMatrix from, Matrix to) {
  parallel_for(pool, to.rows, kLengthRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = 0; j < from.rows; ++j) {
      for (std::int64_t i = begin; i < end; ++i) to.row(i)[j] = from.row(j)[i];
    }
  });
}

}  // namespace lq::backends::cpu
