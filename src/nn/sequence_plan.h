// What every layer needs to know of the tokens of one pass: which belong together, and their rotary angles.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/attention.h"
#include "ops/rope.h"

namespace lq {

// Packed sequences, end to end: ids of all of them, and where each starts; starts ends with the number of
// tokens. Attention and positions stay inside a sequence. Borrowed.
struct TokenBatch {
  std::span<const std::int32_t> ids;
  std::span<const std::int64_t> starts;

  std::int64_t tokens() const { return std::ssize(ids); }
  // Throws Error(kInvalidArgument) unless starts rises from 0 to tokens().
  void check() const;
};

struct SequencePlan {
  std::int64_t tokens = 0;
  std::vector<AttentionSegment> segments;
  RopeTable rope;
};

// positions[t] = distance from the start of the token's sequence.
std::vector<std::int32_t> positions_of(const TokenBatch& batch);

// targets[t] = the next token of the same sequence, kIgnoreTarget at its end.
std::vector<std::int32_t> next_token_targets(const TokenBatch& batch);

}  // namespace lq
