#include "ops/columns.h"

#include "backends/cpu/columns.h"
#include "backends/cuda/elementwise.h"
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
  switch (common_device("take_columns", {{"from", from.device}, {"to", to.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::take_columns(ctx, from, begin, to);
    case DeviceKind::kCuda:
      return backends::cuda::take_columns(queue_of(ctx, "take_columns", to.device), to.rows, to.cols,
                                          from.cols, begin, from.data, to.data);
  }
}

void put_columns(Context& ctx, ConstMatrix from, std::int64_t begin, Matrix to) {
  check_columns("put_columns", from, begin, to);
  switch (common_device("put_columns", {{"from", from.device}, {"to", to.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::put_columns(ctx, from, begin, to);
    case DeviceKind::kCuda:
      return backends::cuda::put_columns(queue_of(ctx, "put_columns", to.device), from.rows, from.cols,
                                         to.cols, begin, from.data, to.data);
  }
}

}  // namespace lq
