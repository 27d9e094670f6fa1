// Python's str, on valid UTF-8: positions and lengths count characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq::jinja {

std::int64_t count_characters(std::string_view text);
// Characters [begin, end). REQUIRES: 0 <= begin <= end.
std::string character_range(std::string_view text, std::int64_t begin, std::int64_t end);

bool is_python_space(char32_t c);    // str.isspace of one character
bool is_digit(char32_t c);           // str.isdecimal of one character
bool is_word_character(char32_t c);  // \w
// str.isupper, str.islower: no character of another case, and one of this.
bool is_all_case(std::string_view text, bool upper);
// Without the given characters at its ends; white space where none are given.
std::string strip(std::string_view text, bool left, bool right, const std::optional<std::string>& characters);
// split(separator, most): at most that many cuts, -1: all. REQUIRES: separator is not empty.
std::vector<std::string> split_text(std::string_view text, std::string_view separator, std::int64_t most);
std::vector<std::string> split_text_from_right(std::string_view text, std::string_view separator,
                                               std::int64_t most);
// split(None, most): at white space.
std::vector<std::string> split_words(std::string_view text, std::int64_t most);
std::vector<std::string> split_words_from_right(std::string_view text, std::int64_t most);
std::vector<std::string> split_lines(std::string_view text, bool keep_ends);
// At most that many times, -1: all. An empty `from` stands between all characters.
std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t most);
// Filled up to a width in characters.
enum class Adjust { kLeft, kRight, kCenter };
std::string adjusted(std::string_view text, std::int64_t width, std::string_view fill, Adjust adjust);
// & < > ' " as HTML's entities.
std::string escape_html(std::string_view text);

}  // namespace lq::jinja
