#include "train/gradients.h"

#include <algorithm>
#include <cmath>

#include "ops/reduce.h"

namespace lq {

double gradient_norm(Context& ctx, const std::vector<Parameter*>& parameters) {
  std::vector<ConstVector> gradients;
  for (Parameter* p : parameters) gradients.push_back(p->grads());
  std::vector<double> squares(gradients.size());
  squared_norms(ctx, gradients, squares);
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
