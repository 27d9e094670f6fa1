#include "eval/likelihood_scorer.h"

#include <algorithm>

#include "ops/cross_entropy.h"
#include "ops/device_memory.h"

namespace lq {

void Scorer::add(Context& ctx, std::span<const ScoredRow> rows, ConstMatrix logits, ConstMatrix theirs) {
  std::size_t most = 0;
  for (const ScoredRow& row : rows) most = std::max(most, row.sequence->requests.size());
  std::vector<float> losses(rows.size());
  std::vector<float> kl(theirs.rows > 0 ? rows.size() : 0);
  std::vector<float> copied;
  const std::span<const float> seen = on_host(ctx, logits.flat(), copied);
  std::vector<float> theirs_copied;
  std::span<const float> theirs_seen;
  if (theirs.rows > 0) {
    kl_divergence(ctx, theirs, logits, kl);
    theirs_seen = on_host(ctx, theirs.flat(), theirs_copied);
  }
  // The first of equals.
  const auto is_likeliest = [&logits](std::span<const float> all, std::size_t row, std::int32_t id) {
    const auto vocab = static_cast<std::size_t>(logits.cols);
    const auto of_row = all.subspan(row * vocab, vocab);
    return std::ranges::max_element(of_row) - of_row.begin() == id;
  };
  std::vector<std::int32_t> targets(rows.size());
  for (std::size_t k = 0; k < most; ++k) {  // the rows' k-th requests
    for (std::size_t i = 0; i < rows.size(); ++i) targets[i] = target(rows[i], k);
    cross_entropy_forward(ctx, logits, targets, losses);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (targets[i] == kIgnoreTarget) continue;
      Likelihood& sum = sum_of(rows[i], k);
      sum.log_likelihood -= losses[i];
      if (theirs.rows > 0) sum.kl += kl[i];
      sum.greedy = sum.greedy && is_likeliest(seen, i, targets[i]);
    }
    if (theirs.rows == 0) continue;
    cross_entropy_forward(ctx, theirs, targets, losses);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (targets[i] == kIgnoreTarget) continue;
      Likelihood& sum = sum_of(rows[i], k);
      sum.reference -= losses[i];
      sum.reference_greedy = sum.reference_greedy && is_likeliest(theirs_seen, i, targets[i]);
    }
  }
}

std::int32_t Scorer::target(const ScoredRow& row, std::size_t k) const {
  if (k >= row.sequence->requests.size()) return kIgnoreTarget;
  const LikelihoodRequest& r = requests_[row.sequence->requests[k]];
  return r.ids[static_cast<std::size_t>(std::ssize(r.ids) - r.scored + row.token)];
}

}  // namespace lq
