// Whole numbers of JSON that do not fit into 64 bits, which become the nearest floating-point number.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lq {

// Whether JSON text holds, outside of its strings, a whole number of more than 64 bits.
bool has_wide_number(std::string_view text);

// Throws kCorruptFile where one stands inside a list or an object of the value, which a template may write
// out; a field that is a number is none of a conversation. value: what text says. where: "path:line".
void check_whole_numbers(std::string_view text, const nlohmann::ordered_json& value,
                         const std::string& where);

}  // namespace lq
