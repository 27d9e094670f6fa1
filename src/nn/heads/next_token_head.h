// Final norm, vocabulary projection and loss, in chunks of tokens: no tokens x vocabulary matrix exists
// whole. Logits may be multiplied by a number and then kept within a soft cap.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "nn/linear.h"
#include "nn/norm.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

// What becomes of the projection's outputs: cap * tanh(multiplier * value / cap).
struct LogitsForm {
  float multiplier = 1.0F;
  float soft_cap = 0.0F;  // 0: none
};

class NextTokenHead {
 public:
  // norm: of width dim, or none.
  NextTokenHead(const Norm& norm, Linear projection, const LogitsForm& form = {})
      : norm_(norm), projection_(std::move(projection)), form_(form) {}

  Linear& projection() { return projection_; }
  // Instead of the one that it has. REQUIRES: the same shape.
  void set_projection(Linear projection) { projection_ = std::move(projection); }
  std::int64_t vocab() const { return projection_.out(); }

  // logits = form(projection(norm(x))).   x: [n, dim], logits: [n, vocab].
  void logits(Context& ctx, Workspace& ws, ConstMatrix x, Matrix logits) const;

  // losses[t] in nats (see cross_entropy_forward); `on_logits` (may be empty) gets each chunk's logits: first
  // token and matrix.
  void loss(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int32_t> targets,
            std::span<float> losses,
            const std::function<void(std::int64_t, ConstMatrix)>& on_logits = {}) const;

  // The same, and dx = scale * d(sum of losses)/dx; gradients of norm and projection += where they learn.
  void loss_backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int32_t> targets,
                     float scale, std::span<float> losses, Matrix dx);

  // Tokens whose logits are in memory at once.
  std::int64_t chunk_tokens() const;

 private:
  // logits = projection(normal), and their form.
  void project(Context& ctx, Workspace& ws, ConstMatrix normal, Matrix logits) const;

  Norm norm_;
  Linear projection_;
  LogitsForm form_;
};

}  // namespace lq
