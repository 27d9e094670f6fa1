// Batches: which examples go together in which step, and their tokens end to end.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/encode_example.h"

namespace lq {

constexpr std::int32_t kNoTarget = -100;  // = kIgnoreTarget of ops/cross_entropy.h

// Sequences end to end, without padding. Attention and positions stay inside a sequence, and no sequence is
// trained to predict the next one's first token: packing changes no loss.
struct Batch {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> starts;   // of each sequence in ids; ends with ids.size()
  std::vector<std::int32_t> targets;  // [ids.size()]: the next token where it counts, else kNoTarget
  std::int64_t trained_tokens = 0;    // targets that are not kNoTarget; of examples with labels: their number
  std::vector<std::int32_t> types;    // token types of the ids; empty: all 0
  std::vector<float> labels;          // one a sequence where the examples have labels, else empty
};

Batch make_batch(std::span<const EncodedExample> examples, std::span<const std::int64_t> picked);

enum class Batching {
  kPacked,   // a row holds as many examples as fit into row_length
  kGrouped,  // a row is one example; rows of like length share a batch
  kPlain,    // a row is one example, in shuffled order
};

struct BatchOptions {
  Batching batching = Batching::kPacked;
  std::int64_t rows = 8;           // of a batch
  std::int64_t row_length = 2048;  // tokens; kPacked only
  bool shuffle = true;
  std::uint64_t seed = 0;
};

// The batches of one epoch, as indices of examples: a pure function of the arguments, so that a run goes on
// where it was by knowing epoch and step alone. weights as in DataSource; empty: all 1. The last batch may
// have fewer rows. REQUIRES: no example is longer than row_length (kPacked).
std::vector<std::vector<std::int64_t>> plan_epoch(std::span<const EncodedExample> examples,
                                                  std::span<const double> weights,
                                                  const BatchOptions& options, std::int64_t epoch);

}  // namespace lq
