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
  std::span<const std::int32_t> types = {};  // token types of the ids; empty: all 0

  std::int64_t tokens() const { return std::ssize(ids); }
  // Throws Error(kInvalidArgument) unless starts rises from 0 to tokens(), and types fit.
  void check() const;
};

// By which angles a layer rotates queries and keys.
enum class RopeUse { kNone, kGlobal, kLocal };

struct SequencePlan {
  std::int64_t tokens = 0;
  std::vector<AttentionSegment> segments;
  std::vector<AttentionSegment> alone;  // over caches: each as the only one of its rows; else empty
  std::vector<std::int32_t> positions;  // of each token within its sequence, from 0
  std::vector<std::int32_t> types;      // of each token; empty: all 0
  RopeTable rope;                       // RopeUse::kGlobal; empty where no layer has it
  RopeTable local_rope;                 // RopeUse::kLocal

  // Null: no rotation.
  const RopeTable* rope_of(RopeUse use) const {
    if (use == RopeUse::kNone) return nullptr;
    return use == RopeUse::kGlobal ? &rope : &local_rope;
  }
};

// positions[t] = distance from the start of the token's sequence.
std::vector<std::int32_t> positions_of(const TokenBatch& batch);

// targets[t] = the next token of the same sequence, kIgnoreTarget at its end.
std::vector<std::int32_t> next_token_targets(const TokenBatch& batch);

}  // namespace lq
