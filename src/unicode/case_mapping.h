// Upper, lower and title case of whole texts, as Python's str methods give them.
#pragma once

#include <string>
#include <string_view>

namespace lq::unicode {

// REQUIRES (all): valid UTF-8.
std::string upper(std::string_view text);
std::string lower(std::string_view text);  // the sigma at a word's end has its own form
// The first character in title case, the others in lower case.
std::string capitalize(std::string_view text);
// Every letter after something that has no case begins a word.
std::string title(std::string_view text);

bool is_upper(
    char32_t c);  // the property Uppercase, without the characters of other alphabets' signs (Other_*)
bool is_lower(char32_t c);
bool is_cased(char32_t c);  // upper, lower or title case

}  // namespace lq::unicode
