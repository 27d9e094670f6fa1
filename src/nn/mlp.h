// The feed-forward layer: down(act(gate x) * (up x)) with a gate (SwiGLU and its like, Shazeer 2020; or cut
// off, ops/clamped_gate.h), else down(act(up x)).
#pragma once

#include <optional>

#include "nn/projections.h"
#include "ops/activation.h"
#include "ops/clamped_gate.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from forward for backward: outputs of the projections, [tokens, inner]; gate is empty where there is
// none.
struct MlpTape {
  Matrix gate, up;
};

struct Mlp {
  Projections in;  // gate and up, or up alone
  Linear down;
  Activation activation = Activation::kSilu;
  std::optional<GateClamp> clamp = {};  // in place of the activation: the gate is cut off

  bool gated() const { return in.count() == 2; }
  std::int64_t inner() const { return down.in(); }

  // tape = gate x and up x.   x: [tokens, dim]. tokens: for hooks (LinearHook), of an expert.
  void project(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, Tokens tokens = {}) const;
  // y from the tape. y: [tokens, dim].
  void finish(Context& ctx, Workspace& ws, const MlpTape& tape, Matrix y, Tokens tokens = {}) const;
  // dx = (not if dx.data is null). x as in project. The tape is used up.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, const MlpTape& tape, ConstMatrix dy, Matrix dx,
                Tokens tokens = {});

 private:
  void activate(Context& ctx, const MlpTape& tape, Matrix hidden) const;
};

}  // namespace lq
