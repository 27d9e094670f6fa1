#include "nn/packed_weight.h"

#include "backends/cpu/nf_codec.h"
#include "backends/cpu/nf_gemv.h"

namespace lq {

PackedWeight::PackedWeight(CodebookMatrix matrix) : matrix_(std::move(matrix)) {
  const backends::NfView view = matrix_.view();
  if (view.format.bits <= 4) levels_ = backends::nf_gemv_levels(view.codebook, view.format.bits);
}

void PackedWeight::read_rows(Context& ctx, std::int64_t begin, std::int64_t count, float* out) const {
  const backends::NfView view = matrix_.view();
  const std::int64_t first = begin * cols();
  parallel_for(ctx.pool, count * cols(), 65536, [&](std::int64_t at, std::int64_t end) {
    backends::nf_dequantize(view, first + at, end - at, out + at);
  });
}

bool PackedWeight::forward_few(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  const backends::NfView view = matrix_.view();
  Scratch scratch(ws);
  const std::span<float> prepared = scratch.vector(backends::nf_gemv_scratch(view, x.rows));
  backends::nf_gemv(ctx.pool, view, x.data, x.rows, y.data, prepared.data(),
                    ctx.decode_precision == DecodePrecision::kFast ? &levels_ : nullptr);
  return true;
}

}  // namespace lq
