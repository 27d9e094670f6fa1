// Which requests pass through a model together, and what of them passes once. Pure arithmetic on tokens: the
// same requests give the same batches, whatever was computed before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/requests.h"

namespace lq {

// One sequence that is fed to the model: all tokens of its requests but the last, which is predicted only.
// Several requests have one where they are the same, so that equal answers tie, and where they are fed the
// same tokens and score one each (letters of an answer).
struct FedSequence {
  std::vector<std::size_t> requests;  // at least one
};

// Sequences that begin alike: their first `length` tokens are computed once. Of a single one, length is the
// batch's base.
struct SharedStem {
  std::int64_t length = 0;
  std::vector<FedSequence> sequences;
};

// What passes together, behind `base` tokens that all have in common and that the batches before and after
// may share: those are computed by themselves and kept.
struct LikelihoodBatch {
  std::int64_t base = 0;
  std::vector<SharedStem> stems;

  std::vector<std::size_t> requests() const;  // of all sequences, in their order
};

struct LikelihoodLimits {
  std::int64_t rows = 1024;          // tokens that are computed in a batch, unless a sequence alone has more
  std::int64_t cache_tokens = 8192;  // tokens in the caches of a batch, likewise
  bool share = true;                 // false: each sequence passes by itself, whole
};

// What the model is fed of a request.
std::span<const std::int32_t> fed_tokens(const LikelihoodRequest& request);

// Batches in the order of the requests' tokens, every request in one of them. No token whose prediction is
// scored lies in a shared part. REQUIRES: 0 < scored < ids.size() of each.
std::vector<LikelihoodBatch> plan_likelihoods(std::span<const LikelihoodRequest> requests,
                                              const LikelihoodLimits& limits);

// Tokens that the batches compute in all, a base that follows itself once.
std::int64_t computed_tokens(std::span<const LikelihoodRequest> requests,
                             std::span<const LikelihoodBatch> batches);

}  // namespace lq
