#include "data/token_spans.h"

#include <algorithm>
#include <string>

#include "tokenizers/stream_decoder.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

bool is_space_byte(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

// Moves `at` behind `piece` in `text`. Blanks may be missing on either side: decoders drop or invent some.
bool pass(std::string_view text, std::string_view piece, std::size_t& at) {
  for (const char c : piece) {
    if (at < text.size() && text[at] == c) {
      ++at;
      continue;
    }
    if (c == ' ') continue;
    while (at < text.size() && is_space_byte(text[at]) && text[at] != c) ++at;
    if (at == text.size() || text[at] != c) return false;
    ++at;
  }
  return true;
}

void pass_space(std::string_view text, std::size_t& at) {
  while (at < text.size()) {
    std::size_t size = 0;
    if (!unicode::is_white_space(utf8::decode_valid(text.data() + at, size))) return;
    at += size;
  }
}

// How many of the ids belong to the first `size` bytes of the text.
std::size_t ids_before(const Tokenizer& tokenizer, std::string_view text, std::size_t size,
                       std::span<const std::int32_t> ids, const EncodeOptions& options) {
  if (size >= text.size()) return ids.size();
  const auto part = tokenizer.encode(text.substr(0, size), options);
  return static_cast<std::size_t>(std::ranges::mismatch(part, ids).in1 - part.begin());
}

}  // namespace

std::optional<std::vector<TextSpan>> token_spans(const Tokenizer& tokenizer, std::string_view text,
                                                 std::span<const std::int32_t> ids) {
  std::vector<TextSpan> out(ids.size());
  tokenizers::StreamDecoder decoder(tokenizer, false);
  std::size_t at = 0, waiting = 0;  // tokens from `waiting` on have given no text yet
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string piece = decoder.push(ids[i]);
    if (i + 1 == ids.size()) piece += decoder.finish();
    if (piece.empty()) continue;
    const std::size_t begin = at;
    if (!pass(text, piece, at)) return std::nullopt;
    if (tokenizer.takes_space_behind(ids[i])) pass_space(text, at);
    for (; waiting <= i; ++waiting) out[waiting] = {begin, at};
  }
  for (; waiting < ids.size(); ++waiting) out[waiting] = {at, at};
  if (!std::ranges::all_of(text.substr(at), is_space_byte)) return std::nullopt;
  return out;
}

std::vector<std::uint8_t> tokens_in_spans(const Tokenizer& tokenizer, std::string_view text,
                                          std::span<const std::int32_t> ids, const EncodeOptions& options,
                                          std::span<const TextSpan> spans) {
  std::vector<std::uint8_t> out(ids.size(), 0);
  if (const auto places = token_spans(tokenizer, text, ids)) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const TextSpan token = (*places)[i];
      const auto passed = [&](const TextSpan& span) {
        return span.end <= token.begin || span.end == span.begin;
      };
      while (next < spans.size() && passed(spans[next])) ++next;
      if (next < spans.size() && spans[next].begin < token.end) out[i] = 1;
    }
    return out;
  }
  for (const TextSpan& span : spans) {
    const std::size_t begin = ids_before(tokenizer, text, span.begin, ids, options);
    const std::size_t end = ids_before(tokenizer, text, span.end, ids, options);
    for (std::size_t i = begin; i < end; ++i) out[i] = 1;
  }
  return out;
}

}  // namespace lq
