// Names from hostile files, made fit for a one-line message.
#pragma once

#include <string>
#include <string_view>

namespace lq {

// Control characters and bytes outside ASCII become '?', and what is longer than 200 bytes is cut with "...".
inline std::string printable(std::string_view text) {
  constexpr std::size_t kLimit = 200;
  std::string out(text.substr(0, kLimit));
  for (char& c : out) {
    if (c < 0x20 || c == 0x7f) c = '?';  // char is signed or not: bytes above 0x7f are caught below
    if (static_cast<unsigned char>(c) > 0x7f) c = '?';
  }
  if (text.size() > kLimit) out += "...";
  return out;
}

}  // namespace lq
