#include "ops/rows.h"

#include "backends/cpu/rows.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

void check_rows(std::string_view who, std::span<const std::int32_t> rows, std::int64_t count,
                std::int64_t all) {
  LQ_CHECK(std::ssize(rows) == count, kMismatch, "[ops] {}: {} rows for {} numbers", who, count, rows.size());
  for (const std::int32_t row : rows) {
    LQ_CHECK(row >= 0 && row < all, kMismatch, "[ops] {}: row {} of {}", who, row, all);
  }
}

}  // namespace

void take_rows(Context& ctx, ConstMatrix from, std::span<const std::int32_t> rows, Matrix to) {
  check_rows("take_rows", rows, to.rows, from.rows);
  check_shape("take_rows to", to, to.rows, from.cols);
  cpu_only("take_rows", {{"from", from.device}, {"to", to.device}});
  backends::cpu::take_rows(ctx, from, rows, to);
}

void add_rows(Context& ctx, ConstMatrix from, ConstVector factors, std::span<const std::int32_t> rows,
              Matrix to) {
  check_rows("add_rows", rows, from.rows, to.rows);
  check_shape("add_rows to", to, to.rows, from.cols);
  check_length("add_rows factors", factors, from.rows);
  cpu_only("add_rows", {{"from", from.device}, {"factors", factors.device()}, {"to", to.device}});
  backends::cpu::add_rows(ctx, from, factors, rows, to);
}

void row_dots(Context& ctx, ConstMatrix x, ConstMatrix y, Vector dots) {
  check_shape("row_dots y", y, x.rows, x.cols);
  check_length("row_dots dots", dots, x.rows);
  cpu_only("row_dots", {{"x", x.device}, {"y", y.device}, {"dots", dots.device()}});
  backends::cpu::row_dots(ctx, x, y, dots);
}

void scale_rows(Context& ctx, ConstVector factors, Matrix x) {
  check_length("scale_rows factors", factors, x.rows);
  cpu_only("scale_rows", {{"factors", factors.device()}, {"x", x.device}});
  backends::cpu::scale_rows(ctx, factors, x);
}

}  // namespace lq
