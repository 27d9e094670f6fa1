// Examples as token ids, each with whether it counts for the loss.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/example.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct EncodedExample {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> in_loss;  // of each id: whether predicting it is learnt
  // Of examples with a label (data/labelled_text.h), where nothing is in_loss:
  std::vector<std::int32_t> types = {};  // token types of the ids; empty: all 0
  std::optional<float> label = {};       // a class's number, or a score

  // Tokens that count and have one before them.
  std::int64_t trained_tokens() const;
};

struct EncodeExampleOptions {
  bool train_on_all = false;  // not only the responses; never those that the data's own flags take out
  // After examples that do not bring their own marks: EOS, where the tokenizer has one, and what it writes
  // behind a text.
  bool add_eos = true;
};

// The whole text is encoded at once, so that ids are those of use; a token that holds a character of what is
// trained is trained (data/token_spans.h).
EncodedExample encode_example(const Tokenizer& tokenizer, const Example& example,
                              const EncodeExampleOptions& options);

// Cut into windows of at most `length` ids, for continued pretraining on long texts. REQUIRES: length > 1.
std::vector<EncodedExample> cut_windows(const EncodedExample& example, std::int64_t length);

// Keeps the first `length` ids; whether any were dropped.
bool truncate(EncodedExample& example, std::int64_t length);

}  // namespace lq
