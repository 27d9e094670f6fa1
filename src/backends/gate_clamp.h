// A gate that is cut off, as every device takes it: gpt-oss's SwiGLU.
#pragma once

namespace lq::backends {

// out = (u + 1) g / (1 + exp(-alpha g)), g the gate cut above at limit, u the up part cut to [-limit, limit].
struct GateClamp {
  float alpha = 1.702F;
  float limit = 7.0F;

  friend bool operator==(const GateClamp& a, const GateClamp& b) {
    return a.alpha == b.alpha && a.limit == b.limit;
  }
};

}  // namespace lq::backends
