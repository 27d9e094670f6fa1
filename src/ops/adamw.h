// One step of AdamW (Loshchilov, Hutter 2019) over a run of parameters; the rates hold what a step's number
// changes (train/adamw.h).
#pragma once

#include <cstdint>

#include "backends/adamw_view.h"
#include "tensor/context.h"
#include "tensor/device_span.h"

namespace lq {

using backends::AdamWRates;
using backends::kMomentBlock;
using backends::MomentTable;

// m = , v = , w = from the gradient. All [n]; w, m and v apart from each other. The same bits on any number
// of threads.
void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, Vector m, Vector v);

// Moments in 8 bits, under one scale for each kMomentBlock. m, v: [n] codes; m_scale, v_scale: [ceil(n /
// kMomentBlock)].
struct MomentCodes {
  DeviceSpan<std::uint8_t> m, v;
  Vector m_scale, v_scale;
};
// The same with such moments: each block is decoded, moved on and encoded again. m's codes are of
// signed_table, v's of unsigned_table.
void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, const MomentCodes& moments,
                const MomentTable& signed_table, const MomentTable& unsigned_table);

}  // namespace lq
