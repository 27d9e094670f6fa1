// Which part of a text each of its tokens stands for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lq {

// Bytes [begin, end) of a text.
struct TextSpan {
  std::size_t begin = 0, end = 0;
  bool operator==(const TextSpan&) const = default;
};

// ids: what the tokenizer makes of `text`, which is valid UTF-8, without tokens that were added. Several
// tokens of one character all have its span; blanks that the tokenizer swallows belong to the token behind
// them, unless the one before takes them (rstrip). Nothing where the tokens do not spell the text, because
// the tokenizer changes it (lower case, NFKC).
std::optional<std::vector<TextSpan>> token_spans(const Tokenizer& tokenizer, std::string_view text,
                                                 std::span<const std::int32_t> ids);

// Of each token, whether it holds a byte of one of the spans (ascending, apart): what transformers makes of a
// mask of characters. Works for every tokenizer: where token_spans() gives nothing, the borders lie as far as
// the text up to there gives the same ids as the whole, and a token across a border belongs to what follows.
std::vector<std::uint8_t> tokens_in_spans(const Tokenizer& tokenizer, std::string_view text,
                                          std::span<const std::int32_t> ids, const EncodeOptions& options,
                                          std::span<const TextSpan> spans);

}  // namespace lq
