// Texts that name a format's parameters, in their parts: "3, 8,fp32".
#pragma once

#include <optional>
#include <string_view>

namespace lq {

// The text without the blanks at its ends.
std::string_view trimmed(std::string_view text);

// "-4" -> -4; nothing for what is no whole number of 32 bits in full, and no blanks are allowed.
std::optional<int> whole_number(std::string_view text);

}  // namespace lq
