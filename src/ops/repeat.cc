#include "ops/repeat.h"

#include <bit>

#include "ops/dispatch.h"

namespace lq {

std::uint64_t key_of(float x) { return std::bit_cast<std::uint32_t>(x); }

std::uint64_t key_of(const Context& ctx) {
  return std::uint64_t{static_cast<std::uint8_t>(ctx.decode_precision)} << 8 |
         static_cast<std::uint8_t>(ctx.matmul_precision);
}

void repeat(Context& ctx, const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
            FunctionRef<void(const void*)> work) {
  ctx.stop.check();  // a graph does not
  backends::cuda::repeat(queue_of(ctx, "repeat", ctx.device), what, prepare, work);
}

}  // namespace lq
