#include "ops/packed_on_device.h"

#include "backends/packed_parts.h"
#include "base/error.h"
#include "ops/device_memory.h"

namespace lq {

PackedOnDevice copy_to_device(Context& ctx, const backends::PackedView& host) {
  LQ_CHECK(host.device.is_cpu(), kInternal, "[ops] copy_to_device: the weight is on {} already",
           device_text(host.device));
  PackedOnDevice out;
  out.view = host;
  out.view.device = ctx.device;
  backends::move_parts(out.view, [&](const void* from, std::int64_t bytes) -> const void* {
    const Tensor part = Tensor::borrow(DType::kU8, {bytes}, static_cast<const std::byte*>(from));
    out.parts.push_back(copy_to_device(ctx, part));
    return out.parts.back().raw();
  });
  if (!ctx.device.is_cpu()) out.view.codebook.gemv_levels = nullptr;  // of the processor's kernels
  return out;
}

}  // namespace lq
