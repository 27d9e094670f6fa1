// A linear layer: a weight (dense or packed), an optional bias, an optional low-rank part, and one more that
// stays as it is.
//   y = x W^T + bias + scaling (dropout(x) A^T) B^T + scaling0 (x A0^T) B0^T
// or, where the low-rank part has a magnitude (then without dropout and without another part),
//   y = (x W^T + scaling (x A^T) B^T) * factors + bias.
// With a packed weight this is the LqLinear of LQ-LoRA, section 3.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "nn/lora.h"
#include "nn/lora_dropout.h"
#include "nn/parameter.h"
#include "nn/weight.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

class Linear;
struct FoldedWeight;  // ops/folded_matmul.h
using Tokens = std::span<const std::int32_t>;

// Sees what passes through linear layers, to gather statistics; nothing is kept for it.
class LinearHook {
 public:
  virtual ~LinearHook() = default;
  // tokens: which tokens of the pass the rows are, rising; empty: all of them (experts see some).
  // In every forward pass. x: [tokens, in].
  virtual void on_forward(Context& ctx, const Linear& linear, ConstMatrix x, Tokens tokens) {
    (void)ctx, (void)linear, (void)x, (void)tokens;
  }
  // In backward, before the layer's own gradients. dL/dW over these tokens is dy^T x. dy: [tokens, out].
  virtual void on_backward(Context& ctx, const Linear& linear, ConstMatrix x, ConstMatrix dy, Tokens tokens) {
    (void)ctx, (void)linear, (void)x, (void)dy, (void)tokens;
  }
};

class Linear {
 public:
  // name: the module, "model.layers.0.self_attn.q_proj".
  Linear(std::string name, std::unique_ptr<Weight> weight, Parameter* bias = nullptr)
      : name_(std::move(name)), weight_(std::move(weight)), bias_(bias) {}

  const std::string& name() const { return name_; }
  std::int64_t in() const { return weight_->cols(); }
  std::int64_t out() const { return weight_->rows(); }
  Weight& weight() { return *weight_; }
  const Weight& weight() const { return *weight_; }
  Parameter* bias() { return bias_; }

  // Puts a low-rank part beside the weight (null: removes it). Throws Error(kMismatch) naming both shapes.
  void set_lora(std::unique_ptr<Lora> lora);
  Lora* lora() { return lora_.get(); }
  const Lora* lora() const { return lora_.get(); }
  // Factors of a magnitude follow W, A, B and m as they are now; nothing where there is none.
  void update_magnitude(Context& ctx);
  // Makes the low-rank part one that never learns and sees no dropout; the layer then has room for a new one
  // beside it. REQUIRES: no fixed part yet, no magnitude.
  void freeze_lora();
  const Lora* fixed_lora() const { return fixed_.get(); }
  Lora* fixed_lora() { return fixed_.get(); }
  // Dropout before the low-rank part, in every pass from now on; null: none. It outlives its use.
  void set_lora_dropout(const LoraDropout* dropout) { dropout_ = dropout; }
  // Null: none. The hook outlives its use.
  void set_hook(LinearHook* hook) { hook_ = hook; }

  // x: [n, in], y: [n, out], apart. tokens: for the hook.
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y, Tokens tokens = {}) const;
  // Layers of one input at once, each as by forward(): where they can be in few launches (up to 8 rows on
  // another device than the processor, no dropout, no magnitudes) or products (ops/folded_matmul.h).
  static void forward_together(Context& ctx, Workspace& ws, std::span<const Linear* const> linears,
                               ConstMatrix x, std::span<const Matrix> y, Tokens tokens = {});
  // dx = (or +=, with accumulate) ; null data: not wanted. Gradients of what learns (A, B, bias, dense W) +=
  // . x as in forward.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy, Matrix dx, bool accumulate,
                Tokens tokens = {});
  // Layers of one input at once, each as by backward(), dx = from all of them; where they can be in few
  // products.
  static void backward_together(Context& ctx, Workspace& ws, std::span<Linear* const> linears, ConstMatrix x,
                                std::span<const ConstMatrix> dy, Matrix dx, Tokens tokens = {});

 private:
  std::string name_;
  std::unique_ptr<Weight> weight_;
  Parameter* bias_;
  std::unique_ptr<Lora> lora_;
  std::unique_ptr<Lora> fixed_;
  // What the low-rank part's magnitude makes of backward: gradients of what it learns, and dy of what is
  // below it.
  ConstMatrix magnitude_backward(Context& ctx, Workspace& ws, Scratch& scratch, ConstMatrix x,
                                 ConstMatrix dy);
  // x as the low-rank part sees it.
  ConstMatrix lora_input(Context& ctx, Scratch& scratch, ConstMatrix x) const;
  bool goes_together() const { return !drops() && !has_magnitude(); }
  void forward_alone(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const;
  // The weight and its low-rank parts as folded products take them; no gradients, and no u.
  FoldedWeight folded() const;
  // Both return false, and do nothing, where such products are not to be had.
  static bool forward_folded(Context& ctx, Workspace& ws, std::span<const Linear* const> linears,
                             ConstMatrix x, std::span<const Matrix> y);
  static bool backward_folded(Context& ctx, Workspace& ws, std::span<Linear* const> linears, ConstMatrix x,
                              std::span<const ConstMatrix> dy, Matrix dx, bool accumulate, Tokens tokens);
  bool has_magnitude() const { return lora_ != nullptr && lora_->magnitude != nullptr; }
  // What comes before the products by the weight: the hook's, gradients of the bias and of a dense weight.
  void begin_backward(Context& ctx, ConstMatrix x, ConstMatrix dy, Tokens tokens);
  void weight_gradient(Context& ctx, ConstMatrix x, ConstMatrix dy);
  // What comes after them, of the part that learns: dx += .
  void lora_backward(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy, Matrix dx);
  bool drops() const { return dropout_ != nullptr && dropout_->rate > 0.0F; }

  const LoraDropout* dropout_ = nullptr;
  LinearHook* hook_ = nullptr;
};

}  // namespace lq
