// What Python's str says of single characters, where it is not the general category alone. The tables are
// those of Unicode 14, which Python 3.11 has.
#pragma once

namespace lq::jinja {

bool is_python_upper(char32_t c);  // the property Uppercase
bool is_python_lower(char32_t c);  // the property Lowercase
bool is_python_cased(char32_t c);  // one of both, or title case
bool is_python_digit(char32_t c);  // str.isdigit of one character: also superscripts and digits in circles
bool is_python_numeric(
    char32_t c);  // str.isnumeric of one character: also fractions and the ideographs of numbers

}  // namespace lq::jinja
