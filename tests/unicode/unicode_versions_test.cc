// Where Unicode's versions and the libraries' tables part: the ends of some ranges, and how they fit
// together.
#include <gtest/gtest.h>

#include "unicode/unicode.h"

namespace lq::unicode {
namespace {

TEST(UnicodeVersions, NewLettersAndNumbersEndWhereTheyShould) {
  EXPECT_TRUE(is_new_letter(0x1C89) && is_new_letter(0x1C8A));
  EXPECT_FALSE(is_new_letter(0x1C88) || is_new_letter(0x1C8B));
  EXPECT_TRUE(is_new_letter(0x2EBF0) && is_new_letter(0x2EE5D)) << "the last range";
  EXPECT_FALSE(is_new_letter(0x2EE5E));
  EXPECT_TRUE(is_new_letter(0x1138B)) << "a range of one";
  EXPECT_FALSE(is_new_letter(0x1138A) || is_new_letter(0x1138C));
  EXPECT_TRUE(is_new_number(0x10D40) && is_new_number(0x10D49) && is_new_number(0x1E5FA));
  EXPECT_FALSE(is_new_number(0x10D3F) || is_new_number(0x10D4A) || is_new_number(0x1E5FB));
  EXPECT_FALSE(is_new_letter('a') || is_new_number('0') || is_new_word('a') || is_new_word(0x10FFFF));
}

TEST(UnicodeVersions, NewLettersAndNumbersAreNewWordCharacters) {
  int letters = 0, numbers = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    letters += is_new_letter(c);
    numbers += is_new_number(c);
    ASSERT_FALSE(is_new_letter(c) && is_new_number(c)) << static_cast<std::uint32_t>(c);
    if (is_new_letter(c) || is_new_number(c)) {
      ASSERT_TRUE(is_new_word(c)) << static_cast<std::uint32_t>(c);
    }
  }
  EXPECT_GT(letters, 4900);  // most of them one block of hieroglyphs and one of Han characters
  EXPECT_EQ(numbers, 6 * 10 + 20);
}

TEST(UnicodeVersions, TheGeneralPropertiesCountThem) {
  for (const char32_t c : {0x1C89, 0x10D4A, 0x13460, 0x2EBF0}) {
    EXPECT_TRUE(is_letter(c) && is_word(c)) << static_cast<std::uint32_t>(c);
    EXPECT_FALSE(is_number(c));
  }
  for (const char32_t c : {0x10D40, 0x116E3, 0x1CCF0}) {
    EXPECT_TRUE(is_number(c) && is_word(c)) << static_cast<std::uint32_t>(c);
    EXPECT_FALSE(is_letter(c));
  }
}

TEST(UnicodeVersions, BertKnowsNoMarksAfterUnicode7) {
  EXPECT_TRUE(is_bert_mark(0x300) && is_bert_mark(0x5B0));
  EXPECT_FALSE(is_bert_mark('a') || is_bert_mark(0x903)) << "nor spacing ones";
  for (const char32_t c : {0x898, 0x89F, 0x1ABF, 0x1ACE, 0x1E94A}) {
    EXPECT_FALSE(is_bert_mark(c)) << static_cast<std::uint32_t>(c);
    EXPECT_TRUE(is_nonspacing_mark(c)) << static_cast<std::uint32_t>(c);
  }
  EXPECT_TRUE(is_bert_mark(0x1734)) << "it was one then";
}

TEST(UnicodeVersions, BertsPunctuationHasTheAsciiSymbols) {
  for (char32_t c = 0; c < 0x80; ++c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    EXPECT_EQ(is_bert_punctuation(c), c > ' ' && c < 0x7F && !alphanumeric) << static_cast<std::uint32_t>(c);
  }
  EXPECT_FALSE(is_bert_punctuation(0xA6) || is_bert_punctuation(0xAC)) << "no other symbols";
  EXPECT_TRUE(is_bert_punctuation(0xA7) && is_bert_punctuation(0x2E42) && is_bert_punctuation(0x3001));
  EXPECT_FALSE(is_bert_punctuation(0x2E43) || is_bert_punctuation(0x2E5D) || is_bert_punctuation(0x1E95F));
  EXPECT_TRUE(is_bert_punctuation(0x166D) && is_bert_punctuation(0x111C9)) << "they were then";
}

TEST(UnicodeVersions, BertsOthers) {
  EXPECT_TRUE(is_bert_other(0) && is_bert_other('\n') && is_bert_other(0xAD) && is_bert_other(0x200B));
  EXPECT_TRUE(is_bert_other(0xE000)) << "private use";
  EXPECT_FALSE(is_bert_other('a') || is_bert_other(0x890) || is_bert_other(0x891) || is_bert_other(0x8E2));
  EXPECT_FALSE(is_bert_other(0x13430) || is_bert_other(0x1343F) || is_bert_other(0x378));
}

}  // namespace
}  // namespace lq::unicode
