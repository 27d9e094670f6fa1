#include "ops/reduce.h"

#include "backends/cpu/reduce.h"
#include "ops/dispatch.h"

namespace lq {

double squared_norm(Context& ctx, ConstVector x) {
  cpu_only("squared_norm", {{"x", x.device()}});
  return backends::cpu::squared_norm(ctx, x);
}

bool all_finite(Context& ctx, ConstVector x) {
  cpu_only("all_finite", {{"x", x.device()}});
  return backends::cpu::all_finite(ctx, x);
}

}  // namespace lq
