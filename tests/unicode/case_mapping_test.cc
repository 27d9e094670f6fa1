#include "unicode/case_mapping.h"

#include <gtest/gtest.h>

namespace lq::unicode {
namespace {

TEST(CaseMapping, LettersBothWays) {
  EXPECT_EQ(upper("Abc \u00E9\u044F\u03B1 1!"), "ABC \u00C9\u042F\u0391 1!");
  EXPECT_EQ(lower("ABc \u00C9\u042F\u0391 1!"), "abc \u00E9\u044F\u03B1 1!");
  EXPECT_EQ(upper("\u00FF\u00B5"), "\u0178\u039C") << "into other blocks";
  EXPECT_EQ(upper(""), "");
  EXPECT_EQ(lower(""), "");
}

TEST(CaseMapping, SomeUpperCaseIsSeveralCharacters) {
  EXPECT_EQ(upper("stra\u00DFe"), "STRASSE");
  EXPECT_EQ(upper("\uFB00\uFB03"), "FFFFI");
  EXPECT_EQ(upper("\u0149\u01F0"), "\u02BCNJ\u030C");
  EXPECT_EQ(upper("\u1F80\u1FFC"), "\u1F08\u0399\u03A9\u0399") << "the iota comes down from below";
  EXPECT_EQ(upper("\u0390"), "\u0399\u0308\u0301");
  EXPECT_EQ(upper("\uFB17"), "\u0544\u053D") << "the last of the table";
  EXPECT_EQ(upper("\uFB18"), "\uFB18") << "and what follows it";
}

TEST(CaseMapping, LowerCaseOfDottedI) { EXPECT_EQ(lower("\u0130I"), "i\u0307i"); }

TEST(CaseMapping, SigmaHasItsOwnFormAtAWordsEnd) {
  EXPECT_EQ(lower("\u039F\u03A3"), "\u03BF\u03C2");
  EXPECT_EQ(lower("\u03A3\u0391"), "\u03C3\u03B1");
  EXPECT_EQ(lower("\u039F\u03A3 \u039F"), "\u03BF\u03C2 \u03BF");
  EXPECT_EQ(lower("\u03A3"), "\u03C3") << "alone it ends no word";
  EXPECT_EQ(lower("1\u03A3"), "1\u03C3") << "a digit has no case";
}

TEST(CaseMapping, SigmaLooksPastWhatHasNoCase) {
  EXPECT_EQ(lower("\u0391.\u03A3"), "\u03B1.\u03C2") << "the cased letter before the dot counts";
  EXPECT_EQ(lower("\u0391\u03A3'\u0391"), "\u03B1\u03C3'\u03B1") << "and that behind the apostrophe";
  EXPECT_EQ(lower("\u0391\u03A3\u0301"), "\u03B1\u03C2\u0301") << "a mark belongs to its letter";
  EXPECT_EQ(lower("\u0391\u03A3-\u0391"), "\u03B1\u03C2-\u03B1") << "a hyphen ends a word";
}

TEST(CaseMapping, CapitalizeRaisesTheFirstCharacterOnly) {
  EXPECT_EQ(capitalize("aBC dEF"), "Abc def");
  EXPECT_EQ(capitalize("1AB"), "1ab");
  EXPECT_EQ(capitalize("\uFB01n"), "Fin");
  EXPECT_EQ(capitalize("\u00DFa"), "Ssa");
  EXPECT_EQ(capitalize("\u01C6A"), "\u01C5a") << "title case, not upper case";
  EXPECT_EQ(upper("\u01C6"), "\u01C4");
  EXPECT_EQ(capitalize("\u0391\u03A3"), "\u0391\u03C2");
  EXPECT_EQ(capitalize(""), "");
}

// As Python's: an apostrophe or a digit begins a word.
TEST(CaseMapping, TitleRaisesWhatFollowsTheUncased) {
  EXPECT_EQ(title("they're 2nd IN line"), "They'Re 2Nd In Line");
  EXPECT_EQ(title("\u00E9t\u00E9-\u01C6"), "\u00C9t\u00E9-\u01C5");
  EXPECT_EQ(title("\u1F80 o\uFB00"), "\u1F88 O\uFB00");
  EXPECT_EQ(title("\u0391\u03A3 \u03A3\u0391"), "\u0391\u03C2 \u03A3\u03B1");
}

TEST(CaseMapping, CasesOfCharacters) {
  EXPECT_TRUE(is_upper('A') && is_upper(0x410) && is_upper(0x1E9E));
  EXPECT_FALSE(is_upper('a') || is_upper('1') || is_upper(0x4E2D));
  EXPECT_TRUE(is_lower('a') && is_lower(0xDF) && is_lower(0x3C2));
  EXPECT_FALSE(is_lower('A') || is_lower(0x2B0)) << "a raised h is a letter without case";
  EXPECT_FALSE(is_upper(0x2160) || is_upper(0x24B6) || is_cased(0x24D0))
      << "numerals and circled letters are signs";
  EXPECT_TRUE(is_cased('a') && is_cased('A') && is_cased(0x1C5));
  EXPECT_FALSE(is_upper(0x1C5) || is_lower(0x1C5)) << "title case is a third one";
  EXPECT_FALSE(is_cased('_') || is_cased(0x4E2D));
}

}  // namespace
}  // namespace lq::unicode
