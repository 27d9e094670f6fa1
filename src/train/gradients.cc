#include "train/gradients.h"

#include <algorithm>
#include <cmath>

#include "ops/reduce.h"
#include "ops/repeat.h"

namespace lq {

double gradient_norm(Context& ctx, const std::vector<Parameter*>& parameters) {
  std::vector<ConstVector> gradients;
  for (Parameter* p : parameters) gradients.push_back(p->grads());
  std::vector<double> squares(gradients.size());
  if (ctx.device.is_cpu()) {
    squared_norms(ctx, gradients, squares);
  } else {
    RepeatedWork what;
    what.key = {key_of(Repeated::kGradientNorm)};
    for (const ConstVector& g : gradients) what.key.insert(what.key.end(), {key_of(g.data()), g.size()});
    what.outputs = {{squares.data(), squares.size() * sizeof(double)}};
    repeat(
        ctx, what, [] { return std::shared_ptr<const void>(); },
        [&](const void*) { squared_norms(ctx, gradients, squares); });
  }
  double sum = 0.0;
  for (const double s : squares) sum += s;
  return std::sqrt(sum);
}

double clip_factor(double norm, double most) {
  if (most <= 0.0) return 1.0;
  return std::min(1.0, most / (norm + 1e-6));
}

std::vector<std::string> not_finite_gradients(Context& ctx, const std::vector<Parameter*>& parameters) {
  std::vector<std::string> names;
  for (Parameter* p : parameters) {
    if (!all_finite(ctx, p->grads())) names.push_back(p->name);
  }
  return names;
}

}  // namespace lq
