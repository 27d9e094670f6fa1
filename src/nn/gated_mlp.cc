#include "nn/gated_mlp.h"

#include "ops/silu_mul.h"

namespace lq {

void GatedMlp::project(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape) const {
  gate.forward(ctx, ws, x, tape.gate);
  up.forward(ctx, ws, x, tape.up);
}

void GatedMlp::finish(Context& ctx, Workspace& ws, const MlpTape& tape, Matrix y) const {
  Scratch scratch(ws);
  const Matrix hidden = scratch.matrix(tape.gate.rows, tape.gate.cols);
  silu_mul_forward(ctx, tape.gate, tape.up, hidden);
  down.forward(ctx, ws, hidden, y);
}

void GatedMlp::backward(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, ConstMatrix dy,
                        Matrix dx) {
  Scratch scratch(ws);
  const Matrix dhidden = scratch.matrix(tape.gate.rows, tape.gate.cols);
  {
    Scratch inner(ws);
    const Matrix hidden = inner.matrix(tape.gate.rows, tape.gate.cols);
    silu_mul_forward(ctx, tape.gate, tape.up, hidden);
    down.backward(ctx, ws, hidden, dy, dhidden, false);
  }
  silu_mul_backward(ctx, tape.gate, tape.up, dhidden, tape.gate, tape.up);
  gate.backward(ctx, ws, x, tape.gate, dx, false);
  up.backward(ctx, ws, x, tape.up, dx, true);
}

}  // namespace lq
