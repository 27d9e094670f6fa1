// What the logits of some rows say of the requests that are scored on them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/likelihood.h"
#include "eval/likelihood_plan.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

using Requests = std::span<const LikelihoodRequest>;

// A row of logits that some requests of a sequence are scored on, and which of their tokens it predicts.
struct ScoredRow {
  const FedSequence* sequence;
  std::int64_t token;  // of the request's scored ones
};

class Scorer {
 public:
  // sums: one for each request; rows are added to them.
  Scorer(Requests requests, std::vector<Likelihood>& sums) : requests_(requests), sums_(sums) {}

  // logits: [rows, vocabulary]. theirs: of the reference; no rows where there is none.
  void add(Context& ctx, std::span<const ScoredRow> rows, ConstMatrix logits, ConstMatrix theirs);

 private:
  std::int32_t target(const ScoredRow& row, std::size_t k) const;
  Likelihood& sum_of(const ScoredRow& row, std::size_t k) { return sums_[row.sequence->requests[k]]; }

  Requests requests_;
  std::vector<Likelihood>& sums_;
};

}  // namespace lq
