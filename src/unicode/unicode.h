// Properties of characters and normal forms, by utf8proc. Names follow Unicode; each function says which
// library's notion it is where they differ.
#pragma once

#include <string>
#include <string_view>

namespace lq::unicode {

enum class Form { kNfc, kNfd, kNfkc, kNfkd };

// text in a normal form. REQUIRES: valid UTF-8.
std::string normalize(std::string_view text, Form form);

bool is_white_space(char32_t c);      // White_Space, not utf8proc's category Z
bool is_letter(char32_t c);           // L
bool is_number(char32_t c);           // N
bool is_decimal(char32_t c);          // Nd
bool is_mark(char32_t c);             // M
bool is_nonspacing_mark(char32_t c);  // Mn
bool is_punctuation(char32_t c);      // P
bool is_other(char32_t c);            // Cc, Cf, Co, Cs: control, format, private use, surrogate
bool is_word(char32_t c);             // \w of UTS 18: alphabetic, M, Nd, Pc, joiners

bool is_printable(char32_t c);  // Python's: not C (unassigned ones too) and not Z but the space

// Characters that utf8proc's Unicode has not yet assigned, but Oniguruma's, tiktoken's and Rust's (16) has.
// is_letter, is_number and is_word count them.
bool is_new_letter(char32_t c);
bool is_new_number(char32_t c);
bool is_new_word(char32_t c);

// Mn, P with the ASCII symbols, and Cc, Cf, Co, Cs as Hugging Face's BERT parts see them (tables of Unicode
// 7).
bool is_bert_mark(char32_t c);
bool is_bert_punctuation(char32_t c);
bool is_bert_other(char32_t c);

// Full lower case of one character, no context ("I with dot above" gives two characters).
void append_lower(std::string& out, char32_t c);

// Calls visit(cluster) for every extended grapheme cluster of valid text.
template <typename Visit>
void for_each_grapheme(std::string_view text, const Visit& visit);
// Where the cluster that starts at `at` ends.
std::size_t grapheme_end(std::string_view text, std::size_t at);

template <typename Visit>
void for_each_grapheme(std::string_view text, const Visit& visit) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = grapheme_end(text, at);
    visit(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace lq::unicode
