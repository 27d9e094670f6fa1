// Importances from calibrated second moments: the norm in which an error's size estimates what it costs the
// loss. R = E[x x^T] of a layer's input, G = E[g g^T] of the loss's gradient at its output
// (docs/method.md, "What errors cost"; K-FAC: Martens and Grosse, 2015).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "decompose/importance.h"
#include "linalg/lower_factor.h"

namespace lq {

struct MomentOptions {
  // This share of the mean of the diagonal is added to the diagonal.
  double damping = 1e-2;
};

// A second moment M = S S^T as it is used, and what had to be done to it.
struct MomentFactor {
  std::shared_ptr<const LowerFactor> factor;
  // One sentence for each thing a user should know: values that were no numbers, a zero moment, more damping
  // than asked for. Each starts with the `who` given. Empty where all was well.
  std::vector<std::string> notes;
};

// moment: [n, n] f32, symmetric; the lower triangle is read. Damped and factored: f32 products under
// diagonal blocks in double, which the damping makes exact enough. Bad input is mended and noted, not
// refused: an input whose variance is NaN, infinite or negative counts as uncorrelated with the rest and of
// average size, a single bad covariance as zero; a moment without anything in it (a layer that never fires)
// becomes 1e-16 I, which makes its errors all alike and next to nothing beside other layers'. Throws
// Error(kMismatch) naming `who` for a wrong number of values. The same bits on any number of threads.
MomentFactor factor_moment(ThreadPool& pool, std::int64_t n, std::span<const float> moment,
                           std::string_view who, const MomentOptions& options = {});

// ||E S||^2 = tr(E R E^T), R = S S^T: what an error E changes in the layer's output, squared, per token.
Importance input_importance(std::shared_ptr<const LowerFactor> r);

// ||T^T E S||^2 = tr(G E R E^T), G = T T^T: with g the gradient of the loss summed over tokens, and R and G
// means over tokens, half of it estimates how much the loss per token rises (Kronecker-factored Fisher).
// Comparable between matrices.
Importance kfac_importance(std::shared_ptr<const LowerFactor> r, std::shared_ptr<const LowerFactor> g);

}  // namespace lq
