#include "tokenizers/byte_level.h"

#include "unicode/utf8.h"

namespace lq::tokenizers::byte_level {
namespace {

constexpr bool names_itself(int b) { return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; }

constexpr std::array<char32_t, 256> make_characters() {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    table[static_cast<std::size_t>(b)] = names_itself(b) ? static_cast<char32_t>(b) : next++;
  }
  return table;
}

constexpr std::array<std::int16_t, 0x144> make_bytes() {
  std::array<std::int16_t, 0x144> table{};
  table.fill(-1);
  const auto characters = make_characters();
  for (std::size_t b = 0; b < 256; ++b) table[characters[b]] = static_cast<std::int16_t>(b);
  return table;
}

constexpr std::array<char32_t, 256> kCharacters = make_characters();
constexpr std::array<std::int16_t, 0x144> kBytes = make_bytes();

}  // namespace

const std::array<char32_t, 256>& characters() { return kCharacters; }

std::string to_text(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char b : bytes) utf8::append(out, kCharacters[static_cast<unsigned char>(b)]);
  return out;
}

std::optional<std::string> to_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const utf8::Decoded d = utf8::decode(text, at);
    if (!d.valid || d.code >= kBytes.size() || kBytes[d.code] < 0) return std::nullopt;
    out.push_back(static_cast<char>(kBytes[d.code]));
    at += d.size;
  }
  return out;
}

}  // namespace lq::tokenizers::byte_level
