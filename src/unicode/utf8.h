// UTF-8: check, repair, walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lq::utf8 {

inline constexpr char32_t kReplacement = 0xFFFD;

// The character that starts at text[at], and its length in bytes. A malformed sequence gives kReplacement and
// the length of its maximal part (Unicode 15, section 3.9, "substitution of maximal subparts"), at least 1.
struct Decoded {
  char32_t code;
  std::uint8_t size;
  bool valid;
};
Decoded decode(std::string_view text, std::size_t at);

// The same for text known to be valid: no checks.
inline char32_t decode_valid(const char* p, std::size_t& size) {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  if (b[0] < 0x80) return size = 1, b[0];
  if (b[0] < 0xE0) return size = 2, static_cast<char32_t>((b[0] & 0x1F) << 6 | (b[1] & 0x3F));
  if (b[0] < 0xF0) {
    return size = 3, static_cast<char32_t>((b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F));
  }
  return size = 4, static_cast<char32_t>((b[0] & 0x07) << 18 | (b[1] & 0x3F) << 12 | (b[2] & 0x3F) << 6 |
                                         (b[3] & 0x3F));
}
// Length of the character with this first byte, in valid text.
inline std::size_t size_of(char first) {
  const auto b = static_cast<unsigned char>(first);
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}
// Start of the character before `at`, in valid text. REQUIRES: at > 0.
inline std::size_t previous(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

void append(std::string& out, char32_t code);
bool is_valid(std::string_view text);
// text with every maximal malformed part replaced by U+FFFD.
std::string repair(std::string_view text);

}  // namespace lq::utf8
