// Normalization over rows with a learned weight, of any kind that models use.
#pragma once

#include "nn/parameter.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

enum class NormKind {
  kRms,         // w * x / rms(x)
  kRmsOnePlus,  // (1 + w) * x / rms(x), as Gemma stores its weights
  kLayer,       // w * (x - mean) / deviation + b
};

// What backward needs of each row.
struct NormSaved {
  Vector mean;  // kLayer only
  Vector rstd;
};

class Norm {
 public:
  Norm() = default;  // none
  // weight: [width]; bias: [width] for kLayer, else null. They outlive this.
  Norm(NormKind kind, float eps, Parameter& weight, Parameter* bias = nullptr)
      : kind_(kind), eps_(eps), weight_(&weight), bias_(bias) {}

  explicit operator bool() const { return weight_ != nullptr; }
  std::int64_t width() const { return weight_->value.numel(); }
  bool learns() const { return weight_->trainable() || (bias_ != nullptr && bias_->trainable()); }

  // x, y: [tokens, n * width], normalized width by width (n = 1 for a whole row); y may be x.
  // Room for what backward needs: saved(scratch, x).
  NormSaved saved(Scratch& scratch, ConstMatrix x) const;
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y, const NormSaved& saved) const;
  // The same, and nothing is kept.
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const;
  // dx += ; gradients of what learns += . x and saved as in forward.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, const NormSaved& saved, ConstMatrix dy,
                Matrix dx) const;

 private:
  // The factors: the weight, or 1 + weight in scratch.
  ConstVector factors(Context& ctx, Scratch& scratch) const;

  NormKind kind_ = NormKind::kRms;
  float eps_ = 0.0F;
  Parameter* weight_ = nullptr;
  Parameter* bias_ = nullptr;
};

}  // namespace lq
