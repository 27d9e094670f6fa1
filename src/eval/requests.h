// What a model is asked for the likelihood of, in tokens: the rules of lm-evaluation-harness 0.4.13.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lq {

// The last `scored` of ids are predicted, each from all that stand before it.
struct LikelihoodRequest {
  std::vector<std::int32_t> ids;
  std::int64_t scored = 0;
  bool truncated = false;  // the context was cut from the left, to fit the model
};

// The token that stands before a text without a context: BOS, else EOS. Throws Error(kInvalidArgument) for a
// tokenizer with neither.
std::int32_t prefix_token(const Tokenizer& tokenizer);

// The tokens of a prompt to continue, as the tokenizer begins a text; one that begins with BOS's own text
// gets no other.
std::vector<std::int32_t> prompt_ids(const Tokenizer& tokenizer, std::string_view text);

// How likely the continuation is behind the context. Spaces at the context's end count as the continuation's;
// both are tokenized as one text, and what exceeds the context's own tokens is scored, so that a token which
// joins both ends counts. Of more than max_length + 1 tokens the last ones are taken. Throws
// Error(kInvalidArgument) where no token is left to score, or more than max_length are.
LikelihoodRequest likelihood_request(const Tokenizer& tokenizer, std::string_view context,
                                     std::string_view continuation, std::int64_t max_length);

// A whole text, each token predicted once: windows of max_length tokens, the first behind prefix_token().
std::vector<LikelihoodRequest> rolling_requests(const Tokenizer& tokenizer, std::string_view text,
                                                std::int64_t max_length);

}  // namespace lq
