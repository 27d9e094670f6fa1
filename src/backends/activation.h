// The nonlinear functions of feed-forward layers, as every device takes them.
#pragma once

namespace lq::backends {

enum class Activation {
  kSilu,      // v / (1 + exp(-v))
  kGeluTanh,  // v/2 (1 + tanh(sqrt(2/pi) (v + 0.044715 v^3)))
  kGelu,      // v/2 (1 + erf(v / sqrt(2)))
  kRelu,      // max(v, 0)
};

}  // namespace lq::backends
