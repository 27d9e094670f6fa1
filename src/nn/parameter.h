// A named tensor of a model, and its gradient where it learns.
#pragma once

#include <string>

#include "tensor/context.h"
#include "tensor/device_span.h"
#include "tensor/tensor.h"

namespace lq {

struct Parameter {
  std::string name;  // as in the checkpoint: "model.norm.weight"
  Tensor value;      // F32, BF16 or F16; F32 and owned where it learns
  Tensor grad;       // F32 of the same shape where it learns, else empty; backward adds to it

  bool trainable() const { return grad.numel() > 0; }
  // Makes value an owned F32 tensor and grad a tensor of zeros. REQUIRES: value is on the processor.
  void make_trainable();
  // Brings value and gradient to the context's device, and back to the processor; nothing where they are.
  void to_device(Context& ctx);
  void to_host(Context& ctx);
  // Drops the gradient.
  void freeze() { grad = Tensor(); }
  // REQUIRES: the gradient is on the processor.
  void zero_grad();
  // For norms and biases. REQUIRES: value is F32.
  ConstVector values() const {
    return {value.data<float>(), static_cast<std::size_t>(value.numel()), value.device()};
  }
  // Empty where it does not learn.
  Vector grads() {
    if (!trainable()) return {};
    return {grad.mutable_data<float>(), static_cast<std::size_t>(grad.numel()), grad.device()};
  }
};

}  // namespace lq
