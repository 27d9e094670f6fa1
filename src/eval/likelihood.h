// How likely a model finds continuations, many of which share what stands before them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/requests.h"
#include "models/model.h"
#include "tensor/context.h"

namespace lq {

struct Likelihood {
  double log_likelihood = 0.0;  // nats, summed over the scored tokens
  bool greedy = true;           // each of them was the most likely one, the first of equals
  double kl = 0.0;              // of a reference: KL(reference || model), summed over the scored tokens
  double reference = 0.0;       // the reference's log-likelihood
};

struct LikelihoodReport {
  std::vector<Likelihood> likelihoods;  // one for each request, in their order
  std::int64_t tokens = 0;              // of all requests together
  std::int64_t computed = 0;            // that passed through the model: shared beginnings pass once
};

// Requests are taken in the order of their tokens, so that those with the same beginning follow each other;
// what the cache holds of it is not computed again. `reference` may be null; it has the same vocabulary. The
// same bits on any number of threads, and, but for rounding, whatever other requests there are. Throws
// Error(kMismatch) for an id outside the vocabulary, Error(kInterrupted). Reports progress in requests.
LikelihoodReport log_likelihoods(Context& ctx, const Model& model,
                                 std::span<const LikelihoodRequest> requests,
                                 const Model* reference = nullptr);

}  // namespace lq
