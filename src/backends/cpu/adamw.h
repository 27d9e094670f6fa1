// Steps of AdamW on the processor; contracts as in ops/adamw.h.
#pragma once

#include <cstdint>

#include "backends/adamw_view.h"
#include "tensor/context.h"
#include "tensor/device_span.h"

namespace lq::backends::cpu {

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, Vector m, Vector v);
void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w,
                const PackedMoments& moments, const MomentTable& signed_table,
                const MomentTable& unsigned_table);

// The nearest value's code; the upper one where two are as near.
std::uint8_t nearest_moment(const MomentTable& table, float x);
// values[count] of one block (at most kMomentBlock) from its codes and scale, and back: returns the scale.
void decode_moments(const MomentTable& table, const std::uint8_t* codes, float scale, std::int64_t count,
                    float* values);
float encode_moments(const MomentTable& table, const float* values, std::int64_t count, std::uint8_t* codes);

}  // namespace lq::backends::cpu
