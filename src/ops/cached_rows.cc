#include "ops/cached_rows.h"

#include "backends/cuda/tokens.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {

void append_rows(Context& ctx, const AttentionSegment& s, ConstMatrix k, ConstMatrix v, Matrix keys,
                 Matrix values) {
  check_shape("append_rows k", k, s.q_count, k.cols);
  check_shape("append_rows v", v, s.q_count, k.cols);
  check_shape("append_rows keys", keys, s.kv_count, k.cols);
  check_shape("append_rows values", values, s.kv_count, k.cols);
  const Device device = common_device(
      "append_rows", {{"k", k.device}, {"v", v.device}, {"keys", keys.device}, {"values", values.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      copy_values(ctx, k.flat(), keys.slice(s.kv_count - s.q_count, s.q_count).flat());
      copy_values(ctx, v.flat(), values.slice(s.kv_count - s.q_count, s.q_count).flat());
      break;
    case DeviceKind::kCuda:
      backends::cuda::append_rows(queue_of(ctx, "append_rows", device), s, k.cols, k.data, v.data, keys.data,
                                  values.data);
      break;
  }
}

}  // namespace lq
