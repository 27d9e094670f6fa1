#include "backends/cpu/columns.h"

#include <algorithm>

#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kColumnRows = 64;  // of one job

}  // namespace

void take_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to) {
  parallel_for(ctx.pool, to.rows, kColumnRows, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) std::copy_n(from.row(i) + begin, to.cols, to.row(i));
  });
}

void put_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to) {
  parallel_for(ctx.pool, from.rows, kColumnRows, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) std::copy_n(from.row(i), from.cols, to.row(i) + begin);
  });
}

}  // namespace lq::backends::cpu
