#include "ops/lengths.h"

#include "backends/cpu/lengths.h"
#include "ops/dispatch.h"

namespace lq {

void row_lengths(ThreadPool& pool, ConstMatrix x, Vector out) {
  check_length("row_lengths out", out, x.rows);
  cpu_only("row_lengths", {{"x", x.device}, {"out", out.device()}});
  backends::cpu::row_lengths(pool, x, out);
}

void column_lengths(ThreadPool& pool, ConstMatrix x, Vector out) {
  check_length("column_lengths out", out, x.cols);
  cpu_only("column_lengths", {{"x", x.device}, {"out", out.device()}});
  backends::cpu::column_lengths(pool, x, out);
}

void scale_rows(ThreadPool& pool, ConstVector factors, Matrix x) {
  check_length("scale_rows factors", factors, x.rows);
  cpu_only("scale_rows", {{"factors", factors.device()}, {"x", x.device}});
  backends::cpu::scale_rows(pool, factors, x);
}

void scale_columns(ThreadPool& pool, ConstVector factors, Matrix x) {
  check_length("scale_columns factors", factors, x.cols);
  cpu_only("scale_columns", {{"factors", factors.device()}, {"x", x.device}});
  backends::cpu::scale_columns(pool, factors, x);
}

void multiply(ThreadPool& pool, ConstMatrix x, Matrix y) {
  check_shape("multiply x", x, y.rows, y.cols);
  cpu_only("multiply", {{"x", x.device}, {"y", y.device}});
  backends::cpu::multiply(pool, x.flat(), y.flat());
}

void quotients(ThreadPool& pool, ConstVector x, ConstVector y, Vector out) {
  check_length("quotients x", x, std::ssize(out));
  check_length("quotients y", y, std::ssize(out));
  cpu_only("quotients", {{"x", x.device()}, {"y", y.device()}, {"out", out.device()}});
  backends::cpu::quotients(pool, x, y, out);
}

void transpose(ThreadPool& pool, ConstMatrix from, Matrix to) {
  check_shape("transpose to", to, from.cols, from.rows);
  cpu_only("transpose", {{"from", from.device}, {"to", to.device}});
  backends::cpu::transpose(pool, from, to);
}

}  // namespace lq
