#include "tokenizers/byte_level.h"

#include <gtest/gtest.h>

#include <set>

#include "unicode/utf8.h"

namespace lq::tokenizers::byte_level {
namespace {

TEST(ByteLevel, EveryByteHasOneCharacter) {
  std::set<char32_t> seen;
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    const char32_t c = characters()[static_cast<std::size_t>(b)];
    EXPECT_TRUE(seen.insert(c).second) << b;
    // GPT-2's rule: printable Latin-1 stays, the others are numbered from U+0100 in their order.
    const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    EXPECT_EQ(c, printable ? static_cast<char32_t>(b) : next++) << b;
  }
  EXPECT_EQ(next, 0x144U);
}

TEST(ByteLevel, ThereAndBack) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes.push_back(static_cast<char>(b));
  const std::string text = to_text(bytes);
  EXPECT_TRUE(utf8::is_valid(text));
  EXPECT_EQ(to_bytes(text), bytes);
  EXPECT_EQ(to_text(" a\n"), "\u0120a\u010A");
  EXPECT_EQ(to_bytes("\u0144"), std::nullopt);
  EXPECT_EQ(to_bytes(" "), std::nullopt);
  EXPECT_EQ(to_bytes(""), "");
}

}  // namespace
}  // namespace lq::tokenizers::byte_level
