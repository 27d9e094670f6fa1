// GPT-2's names for bytes: each of the 256 bytes has a printable character (the printable Latin-1 ones
// themselves, the others U+0100 on), so that a vocabulary of byte strings can be written as text.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lq::tokenizers::byte_level {

// The character that stands for each byte.
const std::array<char32_t, 256>& characters();
// Bytes, each replaced by its character, as UTF-8.
std::string to_text(std::string_view bytes);
// The reverse; nothing where text holds a character that names no byte.
std::optional<std::string> to_bytes(std::string_view text);

}  // namespace lq::tokenizers::byte_level
