#include "unicode/unicode.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace lq::unicode {
namespace {

// Expects the property of all characters of the first list and of none of the second.
void expect_property(bool (*property)(char32_t), std::initializer_list<char32_t> has,
                     std::initializer_list<char32_t> has_not) {
  for (const char32_t c : has) EXPECT_TRUE(property(c)) << "U+" << std::hex << static_cast<std::uint32_t>(c);
  for (const char32_t c : has_not)
    EXPECT_FALSE(property(c)) << "U+" << std::hex << static_cast<std::uint32_t>(c);
}

TEST(Unicode, FormsComposeAndDecompose) {
  EXPECT_EQ(normalize("xe\u0301y", Form::kNfc), "x\u00E9y") << "a mark joins the ASCII letter before it";
  EXPECT_EQ(normalize("x\u00E9y", Form::kNfd), "xe\u0301y");
  EXPECT_EQ(normalize("\u1112\u1161\u11AB", Form::kNfc), "\uD55C");
  EXPECT_EQ(normalize("\uD55C", Form::kNfd), "\u1112\u1161\u11AB");
  EXPECT_EQ(normalize("\u212B", Form::kNfc), "\u00C5") << "the sign of the angstrom is the letter";
  for (const Form form : {Form::kNfc, Form::kNfd, Form::kNfkc, Form::kNfkd}) {
    EXPECT_EQ(normalize("plain text", form), "plain text");
    EXPECT_EQ(normalize("", form), "");
  }
}

TEST(Unicode, CompatibleCharactersGoInTheKFormsOnly) {
  EXPECT_EQ(normalize("\uFB01\u2460\uFF21\u00B2", Form::kNfkc), "fi1A2");
  EXPECT_EQ(normalize("\uFB01\u00E9", Form::kNfkd), "fie\u0301");
  EXPECT_EQ(normalize("\uFB01\u2460\u00B2", Form::kNfc), "\uFB01\u2460\u00B2");
  EXPECT_EQ(normalize("\uFB01", Form::kNfd), "\uFB01");
}

TEST(Unicode, MarksComeInTheirCanonicalOrder) {
  EXPECT_EQ(normalize("a\u0301\u0316", Form::kNfd), "a\u0316\u0301") << "below before above";
  EXPECT_EQ(normalize("a\u0301\u0300", Form::kNfd), "a\u0301\u0300") << "of one class they stay";
  EXPECT_EQ(normalize("a\u0316\u0301", Form::kNfc), "\u00E1\u0316") << "composed past the mark below";
}

TEST(Unicode, SomeCharactersAreNeverComposed) {
  EXPECT_EQ(normalize("\u0958", Form::kNfc), "\u0915\u093C");
  EXPECT_EQ(normalize("\u0915\u093C", Form::kNfc), "\u0915\u093C");
}

TEST(Unicode, WhiteSpace) {
  expect_property(is_white_space,
                  {' ', '\t', '\n', 0xB, 0xC, '\r', 0x85, 0xA0, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029,
                   0x202F, 0x205F, 0x3000},
                  {'a', 8, 0xE, 0x1F, 0x180E, 0x200B, 0x2060, 0xFEFF});
}

TEST(Unicode, Categories) {
  expect_property(is_letter, {'a', 0xAA, 0x2B0, 0x1C5, 0x4E2D}, {'1', '_', 0x301, 0x2160});
  expect_property(is_number, {'0', 0xB2, 0xBD, 0x660, 0x2160}, {'a', 0x4E00});
  expect_property(is_decimal, {'0', '9', 0x660}, {0xB2, 0xBD, 0x2160});
  expect_property(is_mark, {0x301, 0x903, 0x20DD}, {'a', 0x5E});
  expect_property(is_nonspacing_mark, {0x301}, {0x903, 0x20DD});
  expect_property(is_punctuation, {'!', '_', '-', '(', 0xAB, 0x3001}, {'$', '+', '^', '`', 'a', ' '});
  expect_property(is_other, {0, '\n', 0x7F, 0xAD, 0x200B, 0xE000}, {' ', 'a', 0x378, 0x2028});
}

TEST(Unicode, WordCharacters) {
  expect_property(is_word,
                  {'a', 'Z', '0', '9', '_', 0xE9, 0x301, 0x903, 0x660, 0x2160, 0x203F, 0x200C, 0x200D, 0x24B6,
                   0x24E9, 0x1F130, 0x1F189},
                  {'-', ' ', '@', '[', '`', '{', 0xB2, 0xBD, 0x200B, 0x24B5, 0x24EA, 0x1F18A, 0x1F600});
}

TEST(Unicode, PrintableAsInPython) {
  expect_property(is_printable, {' ', '~', 0xE9, 0x4E2D, 0x1F600, 0x301},
                  {'\n', 0x7F, 0xA0, 0xAD, 0x378, 0x2028, 0x3000, 0xE000, 0xFEFF});
}

TEST(Unicode, LowerCaseOfOneCharacter) {
  std::string out = "x";
  for (const char32_t c : {char32_t{'A'}, char32_t{0x130}, char32_t{0x3A3}, char32_t{'1'}})
    append_lower(out, c);
  EXPECT_EQ(out, "xai\u0307\u03C31");
}

TEST(Unicode, GraphemeClusters) {
  const auto clusters = [](std::string_view text) {
    std::string out;
    for_each_grapheme(text, [&](std::string_view cluster) { out.append(cluster).push_back('|'); });
    return out;
  };
  EXPECT_EQ(clusters("ae\u0301x"), "a|e\u0301|x|");
  EXPECT_EQ(clusters("a\r\nb"), "a|\r\n|b|");
  EXPECT_EQ(clusters("\u1112\u1161\u11AB\u1112"), "\u1112\u1161\u11AB|\u1112|") << "a syllable";
  EXPECT_EQ(clusters("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7"),
            "\U0001F1E9\U0001F1EA|\U0001F1EB\U0001F1F7|")
      << "flags are pairs";
  EXPECT_EQ(clusters("\U0001F468\u200D\U0001F469x"), "\U0001F468\u200D\U0001F469|x|") << "joined pictures";
  EXPECT_EQ(clusters(""), "");
  EXPECT_EQ(grapheme_end("xe\u0301", 1), 4U);
}

}  // namespace
}  // namespace lq::unicode
