#include "ops/columns.h"

#include "backends/cpu/columns.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

void check_columns(std::string_view who, ConstMatrix part, std::int64_t begin, ConstMatrix whole) {
  LQ_CHECK(part.rows == whole.rows && begin >= 0 && begin + part.cols <= whole.cols, kMismatch,
           "[ops] {}: [{}, {}] at column {} is no part of [{}, {}]", who, part.rows, part.cols, begin,
           whole.rows, whole.cols);
}

}  // namespace

void take_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to) {
  check_columns("take_columns", to, begin, from);
  cpu_only("take_columns", {{"from", from.device}, {"to", to.device}});
  backends::cpu::take_columns(ctx, from, begin, to);
}

void put_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to) {
  check_columns("put_columns", from, begin, to);
  cpu_only("put_columns", {{"from", from.device}, {"to", to.device}});
  backends::cpu::put_columns(ctx, from, begin, to);
}

}  // namespace lq
