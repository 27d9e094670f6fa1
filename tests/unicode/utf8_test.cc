#include "unicode/utf8.h"

#include <gtest/gtest.h>

#include <utility>

namespace lq::utf8 {
namespace {

TEST(Utf8, EveryCharacterThereAndBack) {
  for (char32_t code = 0; code <= 0x10FFFF; code += code < 0x900 ? 1 : 61) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append(text, code);
    const std::size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    ASSERT_EQ(text.size(), size);
    const Decoded d = decode(text, 0);
    ASSERT_TRUE(d.valid && d.code == code && d.size == size) << static_cast<std::uint32_t>(code);
    std::size_t read = 0;
    ASSERT_EQ(decode_valid(text.data(), read), code);
    ASSERT_EQ(read, size);
    ASSERT_EQ(size_of(text[0]), size);
  }
}

TEST(Utf8, TheEndsOfEachLength) {
  const std::pair<char32_t, std::string> ends[] = {{0x7F, "\x7F"},
                                                   {0x80, "\xC2\x80"},
                                                   {0x7FF, "\xDF\xBF"},
                                                   {0x800, "\xE0\xA0\x80"},
                                                   {0xD7FF, "\xED\x9F\xBF"},
                                                   {0xE000, "\xEE\x80\x80"},
                                                   {0xFFFF, "\xEF\xBF\xBF"},
                                                   {0x10000, "\xF0\x90\x80\x80"},
                                                   {0x10FFFF, "\xF4\x8F\xBF\xBF"}};
  for (const auto& [code, bytes] : ends) {
    std::string text;
    append(text, code);
    EXPECT_EQ(text, bytes);
    EXPECT_EQ(decode(bytes, 0).code, code);
    EXPECT_TRUE(is_valid(bytes));
  }
}

// How many replacement characters each becomes: one for each maximal part of a character.
TEST(Utf8, MalformedSequencesAreCutAtTheirMaximalParts) {
  const std::pair<std::string, int> cases[] = {{"\x80", 1},              // begins nothing
                                               {"\xC0\x80", 2},          // longer than need be
                                               {"\xE0\x80\x80", 3},      // likewise
                                               {"\xF0\x80\x80\x80", 4},  // likewise
                                               {"\xED\xA0\x80", 3},      // a surrogate
                                               {"\xF4\x90\x80\x80", 4},  // above U+10FFFF
                                               {"\xF8\x88\x80\x80\x80", 5},
                                               {"\xE4\xB8", 1},  // one byte is missing
                                               {"\xF0\x9F\x98", 1},
                                               {"\xF0\x9F\xF0", 2},
                                               {"\xC3\xC3", 2}};
  for (const auto& [bytes, count] : cases) {
    std::string expected = "a";
    for (int i = 0; i < count; ++i) expected += "\uFFFD";
    expected += "b";
    std::string text = "a";
    text.append(bytes).append("b");
    EXPECT_EQ(repair(text), expected);
    EXPECT_FALSE(is_valid(text));
  }
}

// The example of Unicode's section 3.9.
TEST(Utf8, RepairsAsTheStandardShows) {
  const std::string text = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
  EXPECT_EQ(repair(text), "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(repair(""), "");
  EXPECT_EQ(repair("a\u00E9\U0001F600"), "a\u00E9\U0001F600");
}

// Eight ASCII bytes are looked at together: an error must be seen wherever it stands among them.
TEST(Utf8, ValidityAtEveryPlace) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t after = 0; after < 20; after += 3) {
      const std::string a(before, 'a'), b(after, 'b');
      EXPECT_TRUE(is_valid(a + "\u00E9" + b));
      EXPECT_FALSE(is_valid(a + "\xC3" + b)) << before << " " << after;
    }
  }
  EXPECT_TRUE(is_valid(""));
  EXPECT_TRUE(is_valid(std::string(1, '\0')));
}

TEST(Utf8, PreviousCharacters) {
  const std::string text = "a\u00E9\u4E2D\U0001F600";
  EXPECT_EQ(previous(text, 10), 6U);
  EXPECT_EQ(previous(text, 6), 3U);
  EXPECT_EQ(previous(text, 3), 1U);
  EXPECT_EQ(previous(text, 1), 0U);
}

}  // namespace
}  // namespace lq::utf8
