// Texts with a label, one or two at a time, as what an encoder with a head reads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/encode_example.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct LabelledText {
  std::string first;
  std::optional<std::string> second;
  // The number of a class, or a score that is learnt as it is. Nothing in a test file.
  std::optional<float> label;
  std::string index;  // the row's name for itself, as predictions repeat it
  std::string place;  // "path:line"
  bool operator==(const LabelledText&) const = default;
};

struct LabelledExamples {
  std::vector<EncodedExample> examples;  // in the order of the texts, each with its label
  std::int64_t truncated = 0;            // of them, cut to max_length
  std::int64_t cut_tokens = 0;           // tokens that this has left out
  std::string first_truncated;           // place of the first of them
};

// Each text, or pair, with the tokenizer's special tokens, cut to max_length tokens as Hugging Face's
// "longest_first" does (tokenizers/text_pair.h). A text without a label becomes an example without one.
// Throws as encode_texts.
LabelledExamples encode_labelled(const Tokenizer& tokenizer, std::span<const LabelledText> texts,
                                 std::int64_t max_length);

}  // namespace lq
