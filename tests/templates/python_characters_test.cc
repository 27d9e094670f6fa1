// Against Python 3.11's str.
#include "templates/python_characters.h"

#include <gtest/gtest.h>

namespace lq::jinja {
namespace {

TEST(PythonCharacters, SignsOfOtherAlphabetsHaveACase) {
  EXPECT_TRUE(is_python_upper(U'A') && is_python_upper(U'\u2167'));  // Roman numeral eight
  EXPECT_FALSE(is_python_upper(U'a') || is_python_upper(U'\u2177') || is_python_upper(U'7'));
  EXPECT_TRUE(is_python_lower(U'\u00AA') && is_python_lower(U'\u24D0') && is_python_lower(U'\u00DF'));
  EXPECT_FALSE(is_python_lower(U'\u24CF') || is_python_lower(U'\u4E00'));
  EXPECT_TRUE(is_python_cased(U'\u01C5'));  // title case: neither
  EXPECT_FALSE(is_python_upper(U'\u01C5') || is_python_lower(U'\u01C5'));
  EXPECT_TRUE(is_python_cased(U'\u2160') && is_python_cased(U'\u00BA'));
  EXPECT_FALSE(is_python_cased(U'-') || is_python_cased(U'\u05D0'));
}

TEST(PythonCharacters, DigitsAndNumbersAreNotDecimalsAlone) {
  EXPECT_TRUE(is_python_digit(U'7') && is_python_digit(U'\u0667') && is_python_digit(U'\u00B2'));
  EXPECT_FALSE(is_python_digit(U'\u00BD') || is_python_digit(U'\u2167') || is_python_digit(U'\u4E00'));
  EXPECT_TRUE(is_python_numeric(U'\u00BD') && is_python_numeric(U'\u2167') && is_python_numeric(U'\u4E00'));
  EXPECT_TRUE(is_python_numeric(U'\u4E03') && !is_python_numeric(U'\u4E01'));
  EXPECT_FALSE(is_python_numeric(U'x') || is_python_numeric(U'\u4E02'));
}

// The first and the last of a range, and what stands beside them.
TEST(PythonCharacters, RangesEndWhereTheyEnd) {
  EXPECT_TRUE(is_python_upper(0x2160) && is_python_upper(0x216F) && !is_python_upper(0x2170));
  EXPECT_TRUE(is_python_lower(0x10787) && is_python_lower(0x107B0) && !is_python_lower(0x107B1));
  EXPECT_TRUE(is_python_digit(0x1F10A) && !is_python_digit(0x1F10B));
}

}  // namespace
}  // namespace lq::jinja
