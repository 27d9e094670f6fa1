#include "nn/mlp.h"

#include <array>

namespace lq {

void Mlp::activate(Context& ctx, const MlpTape& tape, Matrix hidden) const {
  if (clamp) return clamped_gate_forward(ctx, *clamp, tape.gate, tape.up, hidden);
  if (gated()) return gate_forward(ctx, activation, tape.gate, tape.up, hidden);
  activation_forward(ctx, activation, tape.up, hidden);
}

void Mlp::project(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, Tokens tokens) const {
  if (gated()) return in.forward(ctx, ws, x, std::array{tape.gate, tape.up}, tokens);
  in.forward(ctx, ws, x, std::array{tape.up}, tokens);
}

void Mlp::finish(Context& ctx, Workspace& ws, const MlpTape& tape, Matrix y, Tokens tokens) const {
  Scratch scratch(ws);
  const Matrix hidden = scratch.matrix(tape.up.rows, tape.up.cols);
  activate(ctx, tape, hidden);
  down.forward(ctx, ws, hidden, y, tokens);
}

void Mlp::backward(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, ConstMatrix dy, Matrix dx,
                   Tokens tokens) {
  Scratch scratch(ws);
  const Matrix dhidden = scratch.matrix(tape.up.rows, tape.up.cols);
  {
    Scratch inner(ws);
    const Matrix hidden = inner.matrix(tape.up.rows, tape.up.cols);
    activate(ctx, tape, hidden);
    down.backward(ctx, ws, hidden, dy, dhidden, false, tokens);
  }
  if (gated()) {
    if (clamp) {
      clamped_gate_backward(ctx, *clamp, tape.gate, tape.up, dhidden, tape.gate, tape.up);
    } else {
      gate_backward(ctx, activation, tape.gate, tape.up, dhidden, tape.gate, tape.up);
    }
    return in.backward(ctx, ws, x, std::array{tape.gate, tape.up}, dx, tokens);
  }
  activation_backward(ctx, activation, tape.up, dhidden, tape.up);
  in.backward(ctx, ws, x, std::array{tape.up}, dx, tokens);
}

}  // namespace lq
