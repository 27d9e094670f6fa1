// Python's methods of text, lists and mappings.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

Value called_value(const Value& self, std::string_view name, Arguments arguments) {
  bare::BareRuntime runtime;
  const std::optional<Value> method = method_of(self, name);
  return method ? call(runtime, *method, arguments) : Value("no such method");
}
std::string called(const Value& self, std::string_view name, const std::string& arguments = "[]") {
  return bare::shown(called_value(self, name, bare::given(arguments)));
}
// The same of a text.
std::string called_text(const char* self, std::string_view name, const std::string& arguments = "[]") {
  return called(Value(self), name, arguments);
}

TEST(JinjaMethods, Strip) {
  EXPECT_EQ(called_text(" \u00A0a b\n", "strip"), "'a b'");
  EXPECT_EQ(called_text("xyaxy", "lstrip", "[\"yx\"]"), "'axy'") << "a set of characters, not a prefix";
  EXPECT_EQ(called_text("a  ", "rstrip", "[null]"), "'a'");
  EXPECT_EQ(called_text("aaa", "strip", "[\"a\"]"), "''");
}

TEST(JinjaMethods, Split) {
  EXPECT_EQ(called_text("a,b,,c", "split", "[\",\"]"), "['a', 'b', '', 'c']");
  EXPECT_EQ(called_text("a,b,c", "split", "[\",\", 1]"), "['a', 'b,c']");
  EXPECT_EQ(called_text("a,b,c", "rsplit", "[\",\", 1]"), "['a,b', 'c']");
  EXPECT_EQ(called_text("  a  b\n", "split"), "['a', 'b']");
  EXPECT_EQ(called_text(" a b c ", "split", "[null, 1]"), "['a', 'b c ']");
  EXPECT_EQ(called_text("", "split"), "[]");
  EXPECT_EQ(called_text("", "split", "[\",\"]"), "['']");
  bare::expect_refused("empty separator", [] { called_text("a", "split", "[\"\"]"); });
}

TEST(JinjaMethods, Partition) {
  EXPECT_EQ(called_text("a=b=c", "partition", "[\"=\"]"), "('a', '=', 'b=c')");
  EXPECT_EQ(called_text("a=b=c", "rpartition", "[\"=\"]"), "('a=b', '=', 'c')");
  EXPECT_EQ(called_text("abc", "partition", "[\"=\"]"), "('abc', '', '')");
  EXPECT_EQ(called_text("abc", "rpartition", "[\"=\"]"), "('', '', 'abc')");
}

TEST(JinjaMethods, BeginningsAndEnds) {
  EXPECT_EQ(called_text("abc", "startswith", "[\"ab\"]"), "True");
  EXPECT_EQ(called_text("abc", "endswith", "[\"ab\"]"), "False");
  Arguments several;
  several.values = {bare::tuple_of("[\"x\", \"bc\"]")};
  EXPECT_EQ(bare::shown(called_value(Value("abc"), "endswith", several)), "True") << "one of a tuple";
  bare::expect_refused("'prefix' should be text, is list",
                       [] { called_text("a", "startswith", "[[\"a\"]]"); });
  EXPECT_EQ(called_text("abab", "removeprefix", "[\"ab\"]"), "'ab'");
  EXPECT_EQ(called_text("abab", "removesuffix", "[\"ab\"]"), "'ab'");
  EXPECT_EQ(called_text("abab", "removesuffix", "[\"x\"]"), "'abab'");
}

TEST(JinjaMethods, FindCountsCharacters) {
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "find", "[\"ab\"]"), "1");
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "rfind", "[\"ab\"]"), "4");
  EXPECT_EQ(called_text("\u00E9ab\u00E9ab", "find", "[\"ab\", 2]"), "4");
  EXPECT_EQ(called_text("abab", "find", "[\"ab\", -2]"), "2");
  EXPECT_EQ(called_text("abab", "find", "[\"x\"]"), "-1");
  EXPECT_EQ(called_text("ab", "find", "[\"\", 3]"), "-1") << "past the end";
  EXPECT_EQ(called_text("abab", "rindex", "[\"b\"]"), "3");
  bare::expect_refused("substring not found", [] { called_text("abab", "index", "[\"x\"]"); });
}

TEST(JinjaMethods, Widths) {
  EXPECT_EQ(called_text("\u00E9", "ljust", "[3, \"-\"]"), "'\u00E9--'");
  EXPECT_EQ(called_text("ab", "rjust", "[4]"), "'  ab'");
  EXPECT_EQ(called_text("abc", "ljust", "[2]"), "'abc'");
  EXPECT_EQ(called_text("-5", "zfill", "[4]"), "'-005'");
  EXPECT_EQ(called_text("+", "zfill", "[3]"), "'+00'");
  EXPECT_EQ(called_text("12", "zfill", "[1]"), "'12'");
  bare::expect_refused("the fill character must be exactly one character long",
                       [] { called_text("a", "center", "[3, \"xy\"]"); });
  bare::expect_refused("needs the argument 'width'", [] { called_text("a", "zfill"); });
}

TEST(JinjaMethods, KindsOfCharacters) {
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
  EXPECT_EQ(all(""), "000000") << "nothing has no property";
  EXPECT_EQ(all("a b"), "000001");
}

TEST(JinjaMethods, Cases) {
  EXPECT_EQ(called_text("stra\u00DFe", "upper"), "'STRASSE'");
  EXPECT_EQ(called_text("aBC dEF", "capitalize"), "'Abc def'");
  EXPECT_EQ(called_text("they're", "title"), "\"They'Re\"");
  bare::expect_refused("'upper' takes not more than 0 argument(s), got 1",
                       [] { called_text("a", "upper", "[1]"); });
}

TEST(JinjaMethods, ReplaceCountAndJoin) {
  EXPECT_EQ(called_text("aaa", "replace", "[\"a\", \"b\", 2]"), "'bba'");
  EXPECT_EQ(called_text("ab", "replace", "[\"\", \"-\"]"), "'-a-b-'");
  EXPECT_EQ(called_text("aaaa", "count", "[\"aa\"]"), "2") << "they do not overlap";
  EXPECT_EQ(called_text("\u00E9", "count", "[\"\"]"), "2") << "before and behind";
  EXPECT_EQ(called_text(", ", "join", "[[\"a\", \"b\"]]"), "'a, b'");
  EXPECT_EQ(called_text("-", "join", "[\"ab\"]"), "'a-b'");
  EXPECT_EQ(called_text("-", "join", "[[]]"), "''");
  bare::expect_refused("sequence item: expected str instance, int found",
                       [] { called_text("-", "join", "[[\"a\", 1]]"); });
}

TEST(JinjaMethods, LinesAndFormat) {
  EXPECT_EQ(called_text("a\r\nb\n\nc", "splitlines"), "['a', 'b', '', 'c']");
  EXPECT_EQ(called_text("a\nb\n", "splitlines", "[true]"), "['a\\n', 'b\\n']");
  EXPECT_EQ(called_text("{1}{0}", "format", "[\"a\", 5]"), "'5a'");
}

TEST(JinjaMethods, MarkupStaysMarkup) {
  const Value upper = called_value(bare::markup("<b>"), "upper", {});
  EXPECT_TRUE(upper.is_markup());
  const Value replaced = called_value(bare::markup("a&amp;b"), "replace", bare::given("[\"&\", \"<\"]"));
  EXPECT_EQ(replaced.text(), "a&lt;b") << "both are escaped first";
  EXPECT_TRUE(replaced.is_markup());
  EXPECT_FALSE(called_value(Value("a"), "upper", {}).is_markup());
}

TEST(JinjaMethods, Lists) {
  const Value list = bare::of_json("[1, \"a\", 1.0, true]");
  EXPECT_EQ(called(list, "count", "[1]"), "3");
  EXPECT_EQ(called(list, "index", "[\"a\"]"), "1");
  EXPECT_EQ(called(list, "copy"), "[1, 'a', 1.0, True]");
  EXPECT_EQ(called(bare::tuple_of("[5, 6]"), "index", "[6]"), "1");
  EXPECT_EQ(called(bare::tuple_of("[5]"), "copy"), "'no such method'");
  EXPECT_EQ(called(list, "append", "[1]"), "'no such method'") << "nothing changes a list";
  bare::expect_refused("'b' is not in list", [&] { called(list, "index", "[\"b\"]"); });
}

TEST(JinjaMethods, Mappings) {
  const Value mapping = bare::of_json("{\"b\": 1, \"a\": null}");
  EXPECT_EQ(called(mapping, "get", "[\"b\"]"), "1");
  EXPECT_EQ(called(mapping, "get", "[\"x\"]"), "None");
  EXPECT_EQ(called(mapping, "get", "[\"x\", 5]"), "5");
  EXPECT_EQ(called(mapping, "get", "[\"a\", 5]"), "None") << "it is there";
  EXPECT_EQ(called(mapping, "keys"), "dict view['b', 'a']");
  EXPECT_EQ(called(mapping, "values"), "dict view[1, None]");
  EXPECT_EQ(called(mapping, "items"), "dict view[('b', 1), ('a', None)]");
  const Value copy = called_value(mapping, "copy", {});
  EXPECT_TRUE(equal(copy, mapping));
  EXPECT_NE(copy.identity(), mapping.identity());
}

TEST(JinjaMethods, WhatPythonHasAndWeDoNotIsNamed) {
  const bare::BareRuntime runtime;
  bare::expect_unsupported("the method 'encode' of text",
                           [&] { refuse_unknown_method(runtime, Value("a"), "encode"); });
  refuse_unknown_method(runtime, Value("a"), "nothing_of_python");
  refuse_unknown_method(runtime, bare::of_json("[1]"), "encode");
  EXPECT_FALSE(method_of(std::int64_t{1}, "upper"));
  EXPECT_FALSE(method_of(Value("a"), "get"));
}

}  // namespace
}  // namespace lq::jinja
