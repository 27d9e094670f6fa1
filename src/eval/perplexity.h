// Perplexity of a text, and how far a model's predictions are from another's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "eval/answer_store.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct PerplexityOptions {
  std::int64_t seq_len = 512;  // tokens of a window, BOS included; at least 2
  // Tokens that pass through the model together (whole windows, at least one). The result does not depend on
  // it.
  std::int64_t batch_tokens = 2048;
  // Also the mean KL(reference || model) of the predicted tokens' distributions. Same vocabulary.
  const Model* reference = nullptr;
  AnswerStore* store = nullptr;  // as in LikelihoodOptions: sums so far, batch by batch
};

struct PerplexityResult {
  double perplexity = 0.0;     // exp(nll_per_token)
  double nll_per_token = 0.0;  // nats
  double nll_per_byte = 0.0;   // total nats / bytes of the text; 0 where the text is not known
  std::int64_t tokens = 0;     // predicted
  std::int64_t bytes = 0;
  std::int64_t windows = 0;
  std::int64_t seq_len = 0;
  bool bos = false;          // whether each window starts with BOS
  std::optional<double> kl;  // nats a token
  double seconds = 0.0;
};

// The text is tokenized whole without special tokens and cut into windows without overlap; the last short one
// counts. Where the tokenizer adds BOS, each window is BOS and seq_len - 1 tokens of the text, which are all
// predicted; else it is seq_len tokens, of which the first is not. Throws Error(kInvalidArgument) for a
// seq_len below 2 or above the model's context, for a text without a predicted token, for an id outside the
// model's vocabulary; Error(kMismatch) where the reference has another vocabulary. The same bits on any
// number of threads. Reports progress in tokens.
PerplexityResult perplexity(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                            std::string_view text, const PerplexityOptions& options = {});

// The same of token ids; bos < 0: none.
PerplexityResult perplexity_of_ids(Context& ctx, const Model& model, std::span<const std::int32_t> ids,
                                   std::int32_t bos, const PerplexityOptions& options = {});

}  // namespace lq
