#include "backends/cpu/embedding.h"

#include "backends/cpu/transformer_elementwise.h"
#include "base/parallel.h"

namespace lq::backends::cpu {

void embedding_forward(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids, Matrix x) {
  parallel_for(ctx.pool, x.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      convert_to_f32(table.dtype(), table.raw(), ids[static_cast<std::size_t>(t)] * x.cols, x.cols, x.row(t));
    }
  });
}

void embedding_backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx, Matrix dtable) {
  // Columns in parallel, so that two tokens with one id add in their order.
  parallel_for(ctx.pool, dx.cols, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = 0; t < dx.rows; ++t) {
      add_to(end - begin, dx.row(t) + begin, dtable.row(ids[static_cast<std::size_t>(t)]) + begin);
    }
  });
}

}  // namespace lq::backends::cpu
