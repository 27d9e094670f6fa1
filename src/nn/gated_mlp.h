// The SwiGLU feed-forward layer: down( silu(gate x) * (up x) ).
#pragma once

#include "nn/linear.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from forward for backward: outputs of the two projections, [tokens, hidden].
struct MlpTape {
  Matrix gate, up;
};

struct GatedMlp {
  Linear gate;
  Linear up;
  Linear down;

  // tape = gate x and up x.   x: [tokens, dim].
  void project(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape) const;
  // y = down(silu(gate) * up) from the tape. y: [tokens, dim].
  void finish(Context& ctx, Workspace& ws, const MlpTape& tape, Matrix y) const;
  // dx = . x as in project. The tape is used up.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, ConstMatrix dy, Matrix dx);
};

}  // namespace lq
