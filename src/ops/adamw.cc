#include "ops/adamw.h"

#include "backends/cpu/adamw.h"
#include "ops/dispatch.h"
#include "tensor/matrix.h"

namespace lq {

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, Vector m, Vector v) {
  check_length("adamw gradient", grad, std::ssize(w));
  check_length("adamw m", m, std::ssize(w));
  check_length("adamw v", v, std::ssize(w));
  cpu_only("adamw", {{"w", w.device()}, {"gradient", grad.device()}, {"m", m.device()}, {"v", v.device()}});
  backends::cpu::adamw_step(ctx, rates, grad, w, m, v);
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
  cpu_only("adamw", {{"w", w.device()},
                     {"gradient", grad.device()},
                     {"m", moments.m.device()},
                     {"v", moments.v.device()},
                     {"m_scale", moments.m_scale.device()},
                     {"v_scale", moments.v_scale.device()}});
  backends::cpu::adamw_step(
      ctx, rates, grad, w,
      {moments.m.data(), moments.v.data(), moments.m_scale.data(), moments.v_scale.data()}, signed_table,
      unsigned_table);
}

}  // namespace lq
