// AdamW (Loshchilov, Hutter 2019) as torch.optim.AdamW computes it:
//   w *= 1 - lr wd;   m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2
//   w -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "formats/safetensors_reader.h"
#include "nn/parameter.h"
#include "tensor/context.h"
#include "tensor/tensor.h"
#include "train/moments.h"

namespace lq {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  bool eight_bit = false;  // moments of large parameters in 8 bits (moments.h)
  // On another device: moments stay in the host's memory, and the processor updates the parameters, to the
  // same bits. For that a parameter and its gradient come to the host, and the parameter goes back.
  bool offload = false;
};

// A parameter and how it learns.
struct TrainedParameter {
  Parameter* parameter = nullptr;  // borrowed; trainable
  double lr_ratio = 1.0;           // its learning rate is this times the schedule's
  double weight_decay = 0.0;
};

class AdamW {
 public:
  // Names are unique.
  AdamW(std::vector<TrainedParameter> parameters, const AdamWOptions& options);

  // Brings the moments to the context's device; not those that stay with the host.
  void to_device(Context& ctx);
  // One update from gradients * grad_scale. The same bits on any number of threads.
  void step(Context& ctx, double lr, double grad_scale);
  std::int64_t steps() const { return steps_; }
  const std::vector<TrainedParameter>& parameters() const { return parameters_; }
  // Of the moments.
  std::int64_t bytes() const;

  // The moments by name ("moment1.NAME", ...), for a checkpoint.
  std::vector<std::pair<std::string, const Tensor*>> state() const;
  // Throws Error(kNotFound, kMismatch) where the file's do not fit.
  void restore(Context& ctx, const SafetensorsReader& file, std::int64_t steps);

 private:
  struct Moments {
    Tensor m, v;              // F32, or U8 codes
    Tensor m_scale, v_scale;  // F32 of each block; empty for F32 moments
  };
  void update(Context& ctx);          // by rates_
  void update_on_host(Context& ctx);  // the same of parameters that lie on a device
  void update(Context& ctx, std::size_t i, ConstVector grad, Vector w);

  std::vector<TrainedParameter> parameters_;
  AdamWOptions options_;
  std::vector<Moments> moments_;
  std::int64_t steps_ = 0;
  std::vector<AdamWRates> rates_;  // of each parameter, for the step at hand
  MomentTable signed_, unsigned_;
};

}  // namespace lq
