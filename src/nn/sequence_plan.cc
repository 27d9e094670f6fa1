#include "nn/sequence_plan.h"

#include "base/error.h"
#include "ops/cross_entropy.h"

namespace lq {

void TokenBatch::check() const {
  LQ_CHECK(starts.size() >= 2 && starts.front() == 0 && starts.back() == tokens(), kInvalidArgument,
           "[batch] sequences must start at 0 and end at {} tokens", tokens());
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    LQ_CHECK(starts[i] < starts[i + 1], kInvalidArgument, "[batch] sequence {} is empty", i);
  }
  LQ_CHECK(types.empty() || std::ssize(types) == tokens(), kInvalidArgument,
           "[batch] {} token types for {} tokens", types.size(), tokens());
}

std::vector<std::int32_t> positions_of(const TokenBatch& batch) {
  std::vector<std::int32_t> positions(batch.ids.size());
  for (std::size_t s = 0; s + 1 < batch.starts.size(); ++s) {
    for (std::int64_t t = batch.starts[s]; t < batch.starts[s + 1]; ++t) {
      positions[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(t - batch.starts[s]);
    }
  }
  return positions;
}

std::vector<std::int32_t> next_token_targets(const TokenBatch& batch) {
  std::vector<std::int32_t> targets(batch.ids.size(), kIgnoreTarget);
  for (std::size_t s = 0; s + 1 < batch.starts.size(); ++s) {
    for (std::int64_t t = batch.starts[s]; t + 1 < batch.starts[s + 1]; ++t) {
      targets[static_cast<std::size_t>(t)] = batch.ids[static_cast<std::size_t>(t + 1)];
    }
  }
  return targets;
}

}  // namespace lq
