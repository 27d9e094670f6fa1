#include "backends/cpu/rows.h"

#include <algorithm>

#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_softmax.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kRowsOfJob = 32;

std::int64_t row_of(std::span<const std::int32_t> rows, std::int64_t i) {
  return rows[static_cast<std::size_t>(i)];
}

}  // namespace

void take_rows(Context& ctx, ConstMatrix from, std::span<const std::int32_t> rows, Matrix to) {
  parallel_for(ctx.pool, to.rows, kRowsOfJob, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::copy_n(from.row(row_of(rows, i)), to.cols, to.row(i));
  });
}

void add_rows(Context& ctx, ConstMatrix from, ConstVector factors, std::span<const std::int32_t> rows,
              Matrix to) {
  parallel_for(ctx.pool, from.rows, kRowsOfJob, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      axpy(to.cols, factors.data()[i], from.row(i), to.row(row_of(rows, i)));
    }
  });
}

void row_dots(Context& ctx, ConstMatrix x, ConstMatrix y, Vector dots) {
  parallel_for(ctx.pool, x.rows, kRowsOfJob, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) dots.data()[i] = dot(x.cols, x.row(i), y.row(i));
  });
}

void scale_rows(Context& ctx, ConstVector factors, Matrix x) {
  parallel_for(ctx.pool, x.rows, kRowsOfJob, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) scale_by(x.cols, factors.data()[i], x.row(i));
  });
}

}  // namespace lq::backends::cpu
