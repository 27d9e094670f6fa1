// Final norm, vocabulary projection and loss, in chunks of tokens: no tokens x vocabulary matrix exists
// whole.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "nn/linear.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

class NextTokenHead {
 public:
  // norm: [dim], outlives this.
  NextTokenHead(Parameter& norm, float eps, Linear projection)
      : norm_(norm), eps_(eps), projection_(std::move(projection)) {}

  Linear& projection() { return projection_; }
  std::int64_t vocab() const { return projection_.out(); }

  // logits = projection(norm(x)).   x: [n, dim], logits: [n, vocab].
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
  Parameter& norm_;
  float eps_;
  Linear projection_;
};

}  // namespace lq
