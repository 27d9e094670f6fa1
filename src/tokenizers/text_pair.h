// One text or two as the sequence that an encoder reads: [CLS] A [SEP] B [SEP] and the like.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace lq::tokenizers {

class Tokenizer;

// One place of a sequence: a text, or a token that is always there.
struct TextPart {
  int text = -1;          // 0 or 1: the first or the second text; -1: a token
  std::int32_t id = -1;   // of the token
  std::int32_t type = 0;  // token type of what stands there
  bool operator==(const TextPart&) const = default;
};

struct EncodedTexts {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> types;  // of each id: 0 or 1, as the file says
  std::int64_t cut = 0;             // tokens of the texts that were left out
};

// How many tokens of two texts, of n1 and n2 tokens, stay where `most` are allowed for both: Hugging Face's
// "longest_first". The longer one is cut down to what the shorter one leaves, but never below it; where that
// is too much still, each has half (the longer one the odd token).
std::pair<std::int64_t, std::int64_t> longest_first(std::int64_t n1, std::int64_t n2, std::int64_t most);

// The texts with what the tokenizer puts around and between them, cut at their ends to at most max_length
// tokens in all. A text is one that a user typed: the text of a special token is read as the file's library
// reads it. Throws kUnsupported where there is a second text and the tokenizer's file does not say how two
// are put together; kInvalidArgument where max_length leaves no room for a text.
EncodedTexts encode_texts(const Tokenizer& tokenizer, std::string_view first,
                          std::optional<std::string_view> second, std::int64_t max_length);

}  // namespace lq::tokenizers

namespace lq {
using tokenizers::encode_texts;
using tokenizers::EncodedTexts;
}  // namespace lq
