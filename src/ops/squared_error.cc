#include "ops/squared_error.h"

#include "backends/cpu/label_head.h"
#include "ops/dispatch.h"

namespace lq {

void squared_error_forward(Context& ctx, ConstMatrix predicted, std::span<const float> targets,
                           std::span<float> losses) {
  (void)ctx;
  check_shape("squared_error predicted", predicted, std::ssize(targets), 1);
  check_length("squared_error losses", ConstVector(losses), std::ssize(targets));
  cpu_only("squared_error", {{"predicted", predicted.device}});
  backends::cpu::squared_error(predicted.flat(), targets, losses);
}

void squared_error_forward_backward(Context& ctx, Matrix predicted, std::span<const float> targets,
                                    float scale, std::span<float> losses) {
  squared_error_forward(ctx, predicted, targets, losses);
  backends::cpu::squared_error_backward(predicted.flat(), targets, scale);
}

}  // namespace lq
