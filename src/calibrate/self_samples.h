// A calibration text that the model writes itself: sequences drawn token by token from what it predicts, at
// temperature 1 and from the whole vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/work_store.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

// What the tokens depend on besides the model and the context's seed, and what sampling takes.
struct SelfSampling {
  std::int64_t sequences = 0;
  std::int64_t seq_len = 0;                // tokens of each, the first one included
  std::optional<std::int32_t> first = {};  // of every sequence; none: drawn from the vocabulary
  std::int64_t together = 1;               // sequences that pass through the model at once
  std::int64_t memory_bytes = 0;           // beside the weights: keys and values, logits

  std::int64_t tokens() const { return sequences * seq_len; }
  std::int64_t batches() const { return (sequences + together - 1) / together; }
};

// The first token is the tokenizer's token for the beginning of a text, else that of config.json. As many
// sequences pass together as 1 GiB of keys and values holds, or half as much as the weights take where that
// is more; 32 at most; in batches of nearly one size. All of it follows from the model and the two numbers
// alone, never from the machine. REQUIRES: sequences >= 1, seq_len >= 2; the model is no encoder.
SelfSampling plan_self_sampling(const Model& model, const Tokenizer& tokenizer, std::int64_t sequences,
                                std::int64_t seq_len);

// The sequences end to end: [sequences * seq_len] ids. Token t of sequence i is drawn by number i seq_len + t
// of the seed's stream for this, so that the ids are the same on any number of threads. A token that ends a
// text ends no sequence: what the model says behind it follows. Batches that `store` (of this job alone) has
// are not made again, and those made are kept there. How long it takes goes to ctx.progress.note() once a few
// steps have been timed. Throws Error(kInvalidArgument) for logits that are not finite, Error(kInterrupted).
std::vector<std::int32_t> self_samples(Context& ctx, const Model& model, const SelfSampling& sampling,
                                       const WorkStore& store);

}  // namespace lq
