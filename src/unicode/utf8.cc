#include "unicode/utf8.h"

#include <cstring>

namespace lq::utf8 {
namespace {

constexpr bool in(unsigned char b, unsigned char low, unsigned char high) { return b >= low && b <= high; }

}  // namespace

Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const std::size_t left = text.size() - at;
  const unsigned char b0 = byte(0);
  if (b0 < 0x80) return {b0, 1, true};
  // Table 3-7 of the Unicode standard: the range of the second byte depends on the first.
  unsigned char low = 0x80, high = 0xBF;
  int extra = 0;
  if (in(b0, 0xC2, 0xDF)) {
    extra = 1;
  } else if (in(b0, 0xE0, 0xEF)) {
    extra = 2;
    if (b0 == 0xE0) low = 0xA0;
    if (b0 == 0xED) high = 0x9F;
  } else if (in(b0, 0xF0, 0xF4)) {
    extra = 3;
    if (b0 == 0xF0) low = 0x90;
    if (b0 == 0xF4) high = 0x8F;
  } else {
    return {kReplacement, 1, false};
  }
  char32_t code = b0 & (0x3F >> extra);
  for (int i = 1; i <= extra; ++i) {
    const auto n = static_cast<std::size_t>(i);
    if (n >= left || !in(byte(n), low, high)) return {kReplacement, static_cast<std::uint8_t>(i), false};
    code = code << 6 | (byte(n) & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {code, static_cast<std::uint8_t>(extra + 1), true};
}

void append(std::string& out, char32_t code) {
  const auto put = [&](char32_t b) { out.push_back(static_cast<char>(b)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool is_valid(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    while (at + 8 <= text.size()) {  // eight ASCII bytes at a time
      std::uint64_t word;
      std::memcpy(&word, text.data() + at, 8);
      if (word & 0x8080808080808080u) break;
      at += 8;
    }
    if (at >= text.size()) break;
    const Decoded d = decode(text, at);
    if (!d.valid) return false;
    at += d.size;
  }
  return true;
}

std::string repair(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded d = decode(text, at);
    if (d.valid) {
      out.append(text, at, d.size);
    } else {
      append(out, kReplacement);
    }
    at += d.size;
  }
  return out;
}

}  // namespace lq::utf8
