#include "ops/embedding.h"

#include "backends/cpu/embedding.h"
#include "ops/dispatch.h"

namespace lq {

void embedding_forward(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids, Matrix x) {
  const std::int64_t vocab = table.dim(0);
  check_shape("embedding x", x, std::ssize(ids), table.dim(1));
  for (std::size_t t = 0; t < ids.size(); ++t) {
    LQ_CHECK(ids[t] >= 0 && ids[t] < vocab, kInvalidArgument,
             "[embedding] token {} has id {}, but the model's vocabulary has {} ids", t, ids[t], vocab);
  }
  cpu_only("embedding_forward", {{"table", table.device()}, {"x", x.device}});
  backends::cpu::embedding_forward(ctx, table, ids, x);
}

void embedding_backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx, Matrix dtable) {
  check_shape("embedding dx", dx, std::ssize(ids), dtable.cols);
  cpu_only("embedding_backward", {{"dx", dx.device}, {"dtable", dtable.device}});
  backends::cpu::embedding_backward(ctx, ids, dx, dtable);
}

}  // namespace lq
