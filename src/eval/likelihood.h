// How likely a model finds continuations, many of which share what stands before them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/answer_store.h"
#include "eval/requests.h"
#include "models/model.h"
#include "tensor/context.h"

namespace lq {

struct Likelihood {
  double log_likelihood = 0.0;   // nats, summed over the scored tokens
  bool greedy = true;            // each of them was the most likely one, the first of equals
  double kl = 0.0;               // of a reference: KL(reference || model), summed over the scored tokens
  double reference = 0.0;        // the reference's log-likelihood
  bool reference_greedy = true;  // as greedy, of the reference
};

struct LikelihoodReport {
  std::vector<Likelihood> likelihoods;  // one for each request, in their order
  std::int64_t tokens = 0;              // of all requests together
  std::int64_t computed = 0;            // that pass through the model: shared beginnings pass once
};

struct LikelihoodOptions {
  const Model* reference = nullptr;  // has the same vocabulary
  // What a run before has found is taken from here, and what this one finds is put there, batch by batch.
  AnswerStore* store = nullptr;
  std::int64_t batch_tokens = 1024;  // computed in one pass, unless a request alone has more
  std::int64_t cache_bytes = std::int64_t{256} << 20U;  // of keys and values, likewise
};

// Requests are taken in the order of their tokens, in batches of many (likelihood_plan.h): what they share at
// their beginning is computed once. The same bits on any number of threads, and with what any store holds of
// the same requests; but for rounding, whatever other requests there are. Throws Error(kMismatch) for an id
// outside the vocabulary, Error(kInterrupted). Reports progress in requests.
LikelihoodReport log_likelihoods(Context& ctx, const Model& model,
                                 std::span<const LikelihoodRequest> requests,
                                 const LikelihoodOptions& options = {});

}  // namespace lq
