#include "tokenizers/base64.h"

#include <array>
#include <cstdint>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}
constexpr auto kValues = make_values();

}  // namespace

std::string decode_base64(std::string_view text, const std::string& who) {
  LQ_CHECK(text.size() % 4 == 0, kCorruptFile,
           "{}: base64 should come in groups of 4 characters, here are {}", who, text.size());
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  LQ_CHECK(text.size() % 4 != 1, kCorruptFile, "{}: base64 with too much padding", who);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::int8_t value = kValues[static_cast<unsigned char>(c)];
    LQ_CHECK(value >= 0, kCorruptFile, "{}: character {:#04x} is not base64", who,
             static_cast<unsigned char>(c));
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return out;
}

}  // namespace lq::tokenizers
