// Python's methods of text.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

std::string called_text(const char* self, std::string_view name, const std::string& arguments = "[]") {
  return bare::called(Value(self), name, arguments);
}

TEST(JinjaTextMethods, Strip) {
  EXPECT_EQ(called_text(" \u00A0a b\n", "strip"), "'a b'");
  EXPECT_EQ(called_text("xyaxy", "lstrip", "[\"yx\"]"), "'axy'") << "a set of characters, not a prefix";
  EXPECT_EQ(called_text("a  ", "rstrip", "[null]"), "'a'");
  EXPECT_EQ(called_text("aaa", "strip", "[\"a\"]"), "''");
}

TEST(JinjaTextMethods, Split) {
  EXPECT_EQ(called_text("a,b,,c", "split", "[\",\"]"), "['a', 'b', '', 'c']");
  EXPECT_EQ(called_text("a,b,c", "split", "[\",\", 1]"), "['a', 'b,c']");
  EXPECT_EQ(called_text("a,b,c", "rsplit", "[\",\", 1]"), "['a,b', 'c']");
  EXPECT_EQ(called_text("  a  b\n", "split"), "['a', 'b']");
  EXPECT_EQ(called_text(" a b c ", "split", "[null, 1]"), "['a', 'b c ']");
  EXPECT_EQ(called_text("", "split"), "[]");
  EXPECT_EQ(called_text("", "split", "[\",\"]"), "['']");
  bare::expect_refused("empty separator", [] { called_text("a", "split", "[\"\"]"); });
}

TEST(JinjaTextMethods, Partition) {
  EXPECT_EQ(called_text("a=b=c", "partition", "[\"=\"]"), "('a', '=', 'b=c')");
  EXPECT_EQ(called_text("a=b=c", "rpartition", "[\"=\"]"), "('a=b', '=', 'c')");
  EXPECT_EQ(called_text("abc", "partition", "[\"=\"]"), "('abc', '', '')");
  EXPECT_EQ(called_text("abc", "rpartition", "[\"=\"]"), "('', '', 'abc')");
}

TEST(JinjaTextMethods, BeginningsAndEnds) {
  EXPECT_EQ(called_text("abc", "startswith", "[\"ab\"]"), "True");
  EXPECT_EQ(called_text("abc", "endswith", "[\"ab\"]"), "False");
  Arguments several;
  several.values = {bare::tuple_of("[\"x\", \"bc\"]")};
  EXPECT_EQ(bare::shown(bare::called_value(Value("abc"), "endswith", several)), "True") << "one of a tuple";
  bare::expect_refused("'prefix' should be text, is list",
                       [] { called_text("a", "startswith", "[[\"a\"]]"); });
  EXPECT_EQ(called_text("abab", "removeprefix", "[\"ab\"]"), "'ab'");
  EXPECT_EQ(called_text("abab", "removesuffix", "[\"ab\"]"), "'ab'");
  EXPECT_EQ(called_text("abab", "removesuffix", "[\"x\"]"), "'abab'");
}

TEST(JinjaTextMethods, FindCountsCharacters) {
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "find", "[\"ab\"]"), "1");
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "rfind", "[\"ab\"]"), "4");
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "find", "[\"ab\", 2]"), "4");
  EXPECT_EQ(called_text("abab", "find", "[\"ab\", -2]"), "2");
  EXPECT_EQ(called_text("abab", "find", "[\"x\"]"), "-1");
  EXPECT_EQ(called_text("ab", "find", "[\"\", 3]"), "-1") << "past the end";
  EXPECT_EQ(called_text("abab", "rindex", "[\"b\"]"), "3");
  EXPECT_EQ(called_text("abab", "find", "[\"b\", 0, 1]"), "-1");
  EXPECT_EQ(called_text("abab", "rfind", "[\"b\", 0, -1]"), "1");
  EXPECT_EQ(called_text("abab", "find", "[\"\", 2, 1]"), "-1") << "even nothing is not in it";
  bare::expect_refused("substring not found", [] { called_text("abab", "index", "[\"x\"]"); });
}

TEST(JinjaTextMethods, Widths) {
  EXPECT_EQ(called_text("\u00E9", "ljust", "[3, \"-\"]"), "'\u00E9--'");
  EXPECT_EQ(called_text("ab", "rjust", "[4]"), "'  ab'");
  EXPECT_EQ(called_text("abc", "ljust", "[2]"), "'abc'");
  EXPECT_EQ(called_text("-5", "zfill", "[4]"), "'-005'");
  EXPECT_EQ(called_text("+", "zfill", "[3]"), "'+00'");
  EXPECT_EQ(called_text("12", "zfill", "[1]"), "'12'");
  bare::expect_refused("the fill character must be exactly one character long",
                       [] { called_text("a", "center", "[3, \"xy\"]"); });
  for (const char* name : {"ljust", "rjust", "center", "zfill"}) {
    bare::expect_unsupported("2000000 characters' width", [&] { called_text("7", name, "[2000000]"); });
  }
  bare::expect_refused("needs the argument 'width'", [] { called_text("a", "zfill"); });
}

TEST(JinjaTextMethods, KindsOfCharacters) {
  const auto all = [](const char* text) {
    std::string out;
    for (const char* name : {"isalpha", "isalnum", "isdecimal", "isspace", "isupper", "islower"}) {
      out += called_text(text, name) == "True" ? '1' : '0';
    }
    return out;
  };
  EXPECT_EQ(all("a\u00E9"), "110001");
  EXPECT_EQ(all("A1"), "010010");
  EXPECT_EQ(all("12"), "011000");
  EXPECT_EQ(all(" \n"), "000100");
  EXPECT_EQ(called_text("1\u00B2", "isdigit"), "True");
  EXPECT_EQ(called_text("1\u00B2", "isdecimal"), "False");
  EXPECT_EQ(called_text("\u4E00\u00BD", "isnumeric"), "True");
  EXPECT_EQ(called_text("\u2167", "isupper"), "True");
  EXPECT_EQ(called_text("\u00AA-", "islower"), "True");
  EXPECT_EQ(all(""), "000000") << "nothing has no property";
  EXPECT_EQ(all("a b"), "000001");
}

TEST(JinjaTextMethods, Cases) {
  EXPECT_EQ(called_text("stra\u00DFe", "upper"), "'STRASSE'");
  EXPECT_EQ(called_text("aBC", "casefold"), "'abc'");
  bare::expect_unsupported("casefold", [] { called_text("stra\u00DFe", "casefold"); });
  EXPECT_EQ(called_text("aBC dEF", "capitalize"), "'Abc def'");
  EXPECT_EQ(called_text("they're", "title"), "\"They'Re\"");
  bare::expect_refused("'upper' takes not more than 0 argument(s), got 1",
                       [] { called_text("a", "upper", "[1]"); });
}

TEST(JinjaTextMethods, ReplaceCountAndJoin) {
  EXPECT_EQ(called_text("aaa", "replace", "[\"a\", \"b\", 2]"), "'bba'");
  EXPECT_EQ(called_text("ab", "replace", "[\"\", \"-\"]"), "'-a-b-'");
  EXPECT_EQ(called_text("aaaa", "count", "[\"aa\"]"), "2") << "they do not overlap";
  EXPECT_EQ(called_text("\u00E9", "count", "[\"\"]"), "2") << "before and behind";
  EXPECT_EQ(called_text("aba", "count", "[\"a\", 1]"), "1");
  EXPECT_EQ(called_text("aba", "count", "[\"\", 1, 2]"), "2");
  EXPECT_EQ(called_text("aba", "count", "[\"\", 4]"), "0");
  EXPECT_EQ(called_text(", ", "join", "[[\"a\", \"b\"]]"), "'a, b'");
  EXPECT_EQ(called_text("-", "join", "[\"ab\"]"), "'a-b'");
  EXPECT_EQ(called_text("-", "join", "[[]]"), "''");
  bare::expect_refused("sequence item: expected str instance, int found",
                       [] { called_text("-", "join", "[[\"a\", 1]]"); });
}

TEST(JinjaTextMethods, LinesAndFormat) {
  EXPECT_EQ(called_text("a\r\nb\n\nc", "splitlines"), "['a', 'b', '', 'c']");
  EXPECT_EQ(called_text("a\nb\n", "splitlines", "[true]"), "['a\\n', 'b\\n']");
  EXPECT_EQ(called_text("{1}{0}", "format", "[\"a\", 5]"), "'5a'");
}

TEST(JinjaTextMethods, MarkupStaysMarkup) {
  const Value upper = bare::called_value(bare::markup("<b>"), "upper", {});
  EXPECT_TRUE(upper.is_markup());
  const Value replaced =
      bare::called_value(bare::markup("a&amp;b"), "replace", bare::given("[\"&\", \"<\"]"));
  EXPECT_EQ(replaced.text(), "a&lt;b") << "both are escaped first";
  EXPECT_TRUE(replaced.is_markup());
  EXPECT_FALSE(bare::called_value(Value("a"), "upper", {}).is_markup());
}

}  // namespace
}  // namespace lq::jinja
