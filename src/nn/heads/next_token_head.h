// Final norm, vocabulary projection and loss, in chunks of tokens: no tokens x vocabulary matrix exists
// whole. Logits may be multiplied by a number and then kept within a soft cap. The head of a masked language
// model, which says hidden tokens instead of next ones, has a dense layer with an activation before its norm.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/activation.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

// What becomes of the projection's outputs: cap * tanh(multiplier * value / cap).
struct LogitsForm {
  float multiplier = 1.0F;
  float soft_cap = 0.0F;  // 0: none
};

// What a masked language model's head does first: act(linear x).
struct HeadDense {
  Linear linear;
  Activation activation = Activation::kGelu;
};

class NextTokenHead {
 public:
  // norm: of width dim, or none.
  NextTokenHead(const Norm& norm, Linear projection, const LogitsForm& form = {})
      : norm_(norm), projection_(std::move(projection)), form_(form) {}

  // Puts a dense layer before the norm. REQUIRES: it keeps the width.
  void set_dense(HeadDense dense) { dense_ = std::move(dense); }
  // Null: none.
  Linear* dense() { return dense_ ? &dense_->linear : nullptr; }
  Linear& projection() { return projection_; }
  // Instead of the one that it has. REQUIRES: the same shape.
  void set_projection(Linear projection) { projection_ = std::move(projection); }
  std::int64_t vocab() const { return projection_.out(); }

  // logits = form(projection(norm(x))), of act(dense x) instead of x where there is a dense layer.   x: [n,
  // dim], logits: [n, vocab].
  void logits(Context& ctx, Workspace& ws, ConstMatrix x, Matrix logits) const;

  // losses[t] in nats (see cross_entropy_forward); `on_logits` (may be empty) gets each chunk's logits: first
  // token and matrix.
  void loss(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int32_t> targets,
            std::span<float> losses,
            const std::function<void(std::int64_t, ConstMatrix)>& on_logits = {}) const;

  // The same, and dx = scale * d(sum of losses)/dx; gradients of all parts += where they learn.
  void loss_backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int32_t> targets,
                     float scale, std::span<float> losses, Matrix dx);

  // Of another loss: it is called for each chunk of logits with its first token, turns them into d(sum of
  // losses)/dlogits in place (with what it is scaled by), and writes the chunk's losses.
  using LogitsLoss = std::function<void(std::int64_t begin, Matrix logits, std::span<float> losses)>;
  void loss_backward(Context& ctx, Workspace& ws, ConstMatrix x, const LogitsLoss& loss,
                     std::span<float> losses, Matrix dx);

  // Tokens whose logits are in memory at once.
  std::int64_t chunk_tokens() const;

 private:
  // logits = projection(normal), and their form.
  void project(Context& ctx, Workspace& ws, ConstMatrix normal, Matrix logits) const;

  std::optional<HeadDense> dense_;
  Norm norm_;
  Linear projection_;
  LogitsForm form_;
};

}  // namespace lq
