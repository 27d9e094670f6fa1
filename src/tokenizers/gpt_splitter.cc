#include "tokenizers/gpt_splitter.h"

#include <array>
#include <cstdint>

#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

enum Class : std::uint8_t { kSpace, kLetter, kNumber, kOther };

constexpr std::array<Class, 128> make_ascii() {
  std::array<Class, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    table[static_cast<std::size_t>(c)] = letter                            ? kLetter
                                         : c >= '0' && c <= '9'            ? kNumber
                                         : c == ' ' || (c >= 9 && c <= 13) ? kSpace
                                                                           : kOther;
  }
  return table;
}
constexpr std::array<Class, 128> kAscii = make_ascii();

// The character at a position: its class and length; size 0 at the end of the text.
struct Char {
  Class kind = kSpace;
  std::size_t size = 0;
};

Char wide_char_at(std::string_view text, std::size_t at) {
  Char c;
  const char32_t code = utf8::decode_valid(text.data() + at, c.size);
  c.kind = unicode::is_letter(code)        ? kLetter
           : unicode::is_number(code)      ? kNumber
           : unicode::is_white_space(code) ? kSpace
                                           : kOther;
  return c;
}

inline Char char_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {kAscii[byte], 1};
  return wide_char_at(text, at);
}

// First position from `at` on whose character is of another class.
inline std::size_t skip(std::string_view text, std::size_t at, Class kind) {
  for (Char c = char_at(text, at); c.size > 0 && c.kind == kind; c = char_at(text, at)) at += c.size;
  return at;
}

// Bytes of 's 't 'm 'd 're 've 'll at text[at] == '\'', or 0.
template <bool any_case>
std::size_t contraction(std::string_view text, std::size_t at) {
  const auto letter = [&](std::size_t i) -> char {
    if (at + i >= text.size()) return '\0';
    const char c = text[at + i];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  };
  const char a = letter(1), b = letter(2);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
  if (any_case && text.substr(at + 1).starts_with("\u017F")) return 3;  // long s is an s in any case
  return 0;
}

// \s+(?!\S)|\s+ : a run of white space leaves its last character to the word behind it.
std::size_t space_end(std::string_view text, std::size_t at, std::size_t run_end) {
  if (run_end == text.size()) return run_end;
  const std::size_t last = utf8::previous(text, run_end);
  return last > at ? last : run_end;
}

std::size_t gpt2_end(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    const std::size_t size = contraction<false>(text, at);
    if (size > 0) return at + size;
  }
  Char c = char_at(text, at);
  if (text[at] == ' ') {
    const Char next = char_at(text, at + 1);
    if (next.size > 0 && next.kind != kSpace) return skip(text, at + 1 + next.size, next.kind);
  }
  if (c.kind != kSpace) return skip(text, at + c.size, c.kind);
  return space_end(text, at, skip(text, at, kSpace));
}

bool is_newline(char c) { return c == '\r' || c == '\n'; }

template <int max_digits>
std::size_t llama3_end(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    const std::size_t size = contraction<true>(text, at);
    if (size > 0) return at + size;
  }
  const Char c = char_at(text, at);
  if (c.kind == kLetter) return skip(text, at + c.size, kLetter);
  if (c.kind == kNumber) {
    std::size_t end = at + c.size;
    for (int i = 1; i < max_digits; ++i) {
      const Char next = char_at(text, end);
      if (next.size == 0 || next.kind != kNumber) break;
      end += next.size;
    }
    return end;
  }
  const Char next = char_at(text, at + c.size);
  if (!is_newline(text[at]) && next.size > 0 && next.kind == kLetter) {
    return skip(text, at + c.size + next.size, kLetter);
  }
  const bool spaced = text[at] == ' ' && next.size > 0 && next.kind == kOther;
  if (c.kind == kOther || spaced) {
    std::size_t end = skip(text, at + c.size, kOther);
    while (end < text.size() && is_newline(text[end])) ++end;
    return end;
  }
  const std::size_t run_end = skip(text, at, kSpace);
  for (std::size_t i = run_end; i > at; --i) {
    if (is_newline(text[i - 1])) return i;
  }
  return space_end(text, at, run_end);
}

}  // namespace

std::optional<GptPattern> known_pattern(std::string_view regex) {
  if (regex == kGpt2Regex) return GptPattern::kGpt2;
  if (regex == kLlama3Regex) return GptPattern::kLlama3;
  if (regex == kQwen2Regex) return GptPattern::kQwen2;
  return std::nullopt;
}

template <GptPattern pattern>
std::size_t gpt_word_end(std::string_view text, std::size_t at) {
  if constexpr (pattern == GptPattern::kGpt2) {
    return gpt2_end(text, at);
  } else {
    return llama3_end<(pattern == GptPattern::kLlama3 ? 3 : 1)>(text, at);
  }
}

template std::size_t gpt_word_end<GptPattern::kGpt2>(std::string_view, std::size_t);
template std::size_t gpt_word_end<GptPattern::kLlama3>(std::string_view, std::size_t);
template std::size_t gpt_word_end<GptPattern::kQwen2>(std::string_view, std::size_t);

}  // namespace lq::tokenizers
