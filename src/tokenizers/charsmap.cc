#include "tokenizers/charsmap.h"

#include <cstring>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {

Charsmap::Charsmap(std::string_view blob, const std::string& who) {
  std::uint32_t size = 0;
  LQ_CHECK(blob.size() >= 4, kCorruptFile, "{}: a character map of {} bytes, too short for its length field",
           who, blob.size());
  std::memcpy(&size, blob.data(), 4);
  LQ_CHECK(size > 0 && size % 4 == 0 && size <= blob.size() - 4, kCorruptFile,
           "{}: the character map's trie should take a multiple of 4 bytes and at most {}, says {}", who,
           blob.size() - 4, size);
  units_.resize(size / 4);
  std::memcpy(units_.data(), blob.data() + 4, size);
  values_ = blob.substr(4 + size);
  LQ_CHECK(!values_.empty() && values_.back() == '\0', kCorruptFile,
           "{}: the character map's normal forms should end with a zero byte", who);
  LQ_CHECK(utf8::is_valid(values_), kCorruptFile, "{}: the character map's normal forms are not UTF-8", who);
}

std::string_view Charsmap::value_at(std::uint32_t offset) const {
  if (offset >= values_.size()) return {};
  const std::string_view value(values_.data() + offset);  // ended by a zero byte, as the constructor checked
  return utf8::is_valid(value) ? value : std::string_view{};  // an offset into the middle of a character
}

template <typename Visit>
void Charsmap::prefixes(std::string_view text, const Visit& visit) const {
  const auto offset_of = [](std::uint32_t unit) {
    return static_cast<std::size_t>(unit >> 10) << ((unit & (1u << 9)) >> 6);
  };
  std::size_t position = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) return;
    position ^= byte;
    if (position >= units_.size()) return;
    const std::uint32_t unit = units_[position];
    if ((unit & (0x80000000u | 0xFFu)) != byte) return;
    position ^= offset_of(unit);
    if ((unit >> 8 & 1) != 0) {
      if (position >= units_.size()) return;
      if (!visit(i + 1, units_[position] & 0x7FFFFFFFu)) return;
    }
  }
}

std::optional<Charsmap::Match> Charsmap::longest(std::string_view text) const {
  std::optional<Match> found;
  prefixes(text, [&](std::size_t length, std::uint32_t value) {
    found = Match{length, value_at(value)};
    return true;
  });
  return found;
}

std::optional<Charsmap::Match> Charsmap::shortest(std::string_view text) const {
  std::optional<Match> found;
  prefixes(text, [&](std::size_t length, std::uint32_t value) {
    found = Match{length, value_at(value)};
    return false;
  });
  return found;
}

}  // namespace lq::tokenizers
