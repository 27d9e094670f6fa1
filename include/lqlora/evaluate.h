// How well a model predicts a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lqlora/context.h"
#include "lqlora/model.h"
#include "lqlora/tokenizer.h"

namespace lqlora {

struct PerplexityOptions {
  std::int64_t seq_len = 512;  // tokens of a window, BOS included
  // Also the mean divergence KL(reference || model) of the predictions; borrowed. Same vocabulary.
  const Model* reference = nullptr;
};

struct Perplexity {
  double perplexity = 0;     // exp(nll_per_token)
  double nll_per_token = 0;  // nats
  double nll_per_byte = 0;
  std::int64_t tokens = 0;  // predicted
  std::int64_t windows = 0;
  bool bos = false;          // whether each window starts with BOS
  std::optional<double> kl;  // nats a token
};

// The text is tokenized whole and cut into windows without overlap, the last short one counts. Throws
// Error(kInvalidArgument) for a seq_len below 2 or above the model's context, and a text without a predicted
// token.
Perplexity perplexity(Context& context, const Model& model, const Tokenizer& tokenizer, std::string_view text,
                      const PerplexityOptions& options = {});

}  // namespace lqlora
