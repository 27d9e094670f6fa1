// The clamped gate over f32 vectors. Formula: backends/gate_clamp.h.
#pragma once

#include <cstdint>

#include "backends/gate_clamp.h"

namespace lq::backends {

// out may be gate or up.
void clamped_gate_forward(GateClamp clamp, std::int64_t n, const float* gate, const float* up, float* out);
// dgate = , dup = . dgate may be gate and dup may be up (they are read first), neither may be dout. Nothing
// flows to what was cut; at the limit itself everything does.
void clamped_gate_backward(GateClamp clamp, std::int64_t n, const float* gate, const float* up,
                           const float* dout, float* dgate, float* dup);

}  // namespace lq::backends
