// Greedy continuations of many prompts, several at a time: each step of the model serves all that still go
// on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/answer_store.h"
#include "eval/generation_config.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct GreedyOptions {
  std::int64_t max_tokens = 256;       // new ones of each text, at most
  std::vector<std::string> stop = {};  // a text ends before the first of these
  GenerationConfig file = {};          // the model's: its end tokens, penalty, rules and stop texts
  AnswerStore* store = nullptr;        // as in LikelihoodOptions
  std::int64_t cache_bytes = std::int64_t{256} << 20U;  // of keys and values, unless one text has more
};

// One text for each prompt, as Generator gives it with generation_config.json's repetition penalty, rules and
// stop texts, and no other of its options: up to an end token (eval/end_tokens.h), a stop text or max_tokens.
// The same bits on any number of threads; but for rounding, whatever other prompts there are. Throws
// Error(kInvalidArgument) for an empty prompt or one that leaves no room for max_tokens in the model's
// context, Error(kMismatch) for an id outside the vocabulary, Error(kInterrupted). Reports progress in
// documents.
std::vector<std::string> greedy_texts(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                                      std::span<const std::vector<std::int32_t>> prompts,
                                      const GreedyOptions& options);

}  // namespace lq
