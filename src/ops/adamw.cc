#include "ops/adamw.h"

#include "backends/cpu/adamw.h"
#include "backends/cuda/optimizer.h"
#include "ops/dispatch.h"
#include "tensor/matrix.h"

namespace lq {

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, Vector m, Vector v) {
  check_length("adamw gradient", grad, std::ssize(w));
  check_length("adamw m", m, std::ssize(w));
  check_length("adamw v", v, std::ssize(w));
  const Device device = common_device(
      "adamw", {{"w", w.device()}, {"gradient", grad.device()}, {"m", m.device()}, {"v", v.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::adamw_step(ctx, rates, grad, w, m, v);
    case DeviceKind::kCuda:
      return backends::cuda::adamw_step(queue_of(ctx, "adamw", device), rates, std::ssize(w), grad.data(),
                                        w.data(), m.data(), v.data());
  }
}

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, const MomentCodes& moments,
                const MomentTable& signed_table, const MomentTable& unsigned_table) {
  const std::int64_t blocks = (std::ssize(w) + kMomentBlock - 1) / kMomentBlock;
  check_length("adamw gradient", grad, std::ssize(w));
  LQ_CHECK(moments.m.size() == w.size() && moments.v.size() == w.size(), kMismatch,
           "[ops] adamw: {} and {} codes of moments for {} parameters", moments.m.size(), moments.v.size(),
           w.size());
  check_length("adamw m_scale", moments.m_scale, blocks);
  check_length("adamw v_scale", moments.v_scale, blocks);
  const Device device = common_device("adamw", {{"w", w.device()},
                                                {"gradient", grad.device()},
                                                {"m", moments.m.device()},
                                                {"v", moments.v.device()},
                                                {"m_scale", moments.m_scale.device()},
                                                {"v_scale", moments.v_scale.device()}});
  const backends::PackedMoments packed{moments.m.data(), moments.v.data(), moments.m_scale.data(),
                                       moments.v_scale.data()};
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::adamw_step(ctx, rates, grad, w, packed, signed_table, unsigned_table);
    case DeviceKind::kCuda:
      return backends::cuda::adamw_step(queue_of(ctx, "adamw", device), rates, std::ssize(w), grad.data(),
                                        w.data(), packed, signed_table, unsigned_table);
  }
}

}  // namespace lq
