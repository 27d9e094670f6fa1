#include "ops/silu_mul.h"

#include "backends/cpu/transformer_elementwise.h"

namespace lq {
namespace {

constexpr std::int64_t kGrain = 32768;  // elements of one job: some tens of microseconds

}  // namespace

void silu_mul_forward(Context& ctx, ConstMatrix gate, ConstMatrix up, Matrix out) {
  check_shape("silu_mul up", up, gate.rows, gate.cols);
  check_shape("silu_mul out", out, gate.rows, gate.cols);
  parallel_for(ctx.pool, gate.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::silu_mul_forward(end - begin, gate.data + begin, up.data + begin, out.data + begin);
  });
}

void silu_mul_backward(Context& ctx, ConstMatrix gate, ConstMatrix up, ConstMatrix dout, Matrix dgate,
                       Matrix dup) {
  check_shape("silu_mul up", up, gate.rows, gate.cols);
  check_shape("silu_mul dout", dout, gate.rows, gate.cols);
  check_shape("silu_mul dgate", dgate, gate.rows, gate.cols);
  check_shape("silu_mul dup", dup, gate.rows, gate.cols);
  parallel_for(ctx.pool, gate.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::silu_mul_backward(end - begin, gate.data + begin, up.data + begin, dout.data + begin,
                                dgate.data + begin, dup.data + begin);
  });
}

void add_forward(Context& ctx, ConstMatrix x, Matrix y) {
  check_shape("add x", x, y.rows, y.cols);
  parallel_for(ctx.pool, y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::add_to(end - begin, x.data + begin, y.data + begin);
  });
}

}  // namespace lq
