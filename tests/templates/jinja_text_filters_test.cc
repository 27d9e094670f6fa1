// Filters of text, called by themselves.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

Value text_filtered(const Value& value, std::string_view name, const Arguments& arguments = {}) {
  bare::BareRuntime runtime;
  const Filter filter = find_text_filter(name);
  return filter == nullptr ? Value("no such filter") : filter(runtime, value, arguments);
}
std::string text_filter(const Value& value, std::string_view name, const std::string& arguments = "[]") {
  return bare::shown(text_filtered(value, name, bare::given(arguments)));
}

TEST(JinjaTextFilters, OnlyTheirOwnNames) {
  EXPECT_NE(find_text_filter("upper"), nullptr);
  EXPECT_EQ(find_text_filter("join"), nullptr) << "a filter of lists";
  EXPECT_EQ(find_text_filter(""), nullptr);
}

TEST(JinjaTextFilters, CasesOfWhateverIsPrinted) {
  EXPECT_EQ(text_filter(Value("a\u00DF"), "upper"), "'ASS'");
  EXPECT_EQ(text_filter(Value(true), "lower"), "'true'");
  EXPECT_EQ(text_filter(Value("fOO bar"), "capitalize"), "'Foo bar'");
  EXPECT_EQ(text_filter(Value(), "upper"), "''");
}

// Words begin behind white space and - ( { [ <, and nowhere else: not str.title's notion.
TEST(JinjaTextFilters, Title) {
  EXPECT_EQ(text_filter(Value("they're a-b (c [d 2nd e_f"), "title"), "\"They're A-B (C [D 2nd E_f\"");
  EXPECT_EQ(text_filter(Value("  fOO\tBAR"), "title"), "'  Foo\\tBar'");
}

TEST(JinjaTextFilters, TrimAndReplace) {
  EXPECT_EQ(text_filter(Value(" a \n"), "trim"), "'a'");
  EXPECT_EQ(text_filter(Value("xax"), "trim", "[\"x\"]"), "'a'");
  EXPECT_EQ(text_filter(std::int64_t{121}, "replace", "[1, \"x\"]"), "'x2x'") << "all of them printed first";
  EXPECT_EQ(text_filter(Value("aaa"), "replace", "[\"a\", \"b\", 1]"), "'baa'");
}

TEST(JinjaTextFilters, IndentLeavesTheFirstAndEmptyLines) {
  const Value text("a\n\nb");
  EXPECT_EQ(text_filter(text, "indent"), "'a\\n\\n    b'");
  EXPECT_EQ(text_filter(text, "indent", "[2, true]"), "'  a\\n\\n  b'");
  EXPECT_EQ(text_filter(text, "indent", "[1, false, true]"), "'a\\n \\n b'");
  EXPECT_EQ(text_filter(text, "indent", "[\"> \"]"), "'a\\n\\n> b'");
  EXPECT_EQ(text_filter(Value("a\n"), "indent"), "'a\\n'") << "a line end at the end stays";
  EXPECT_EQ(text_filter(text, "indent", "[-3]"), "'a\\n\\nb'");
}

TEST(JinjaTextFilters, TruncateAtAWord) {
  const Value text("one two three four");  // 18 characters
  EXPECT_EQ(text_filter(text, "truncate", "[13]"), "'one two three four'") << "within the leeway of 5";
  EXPECT_EQ(text_filter(text, "truncate", "[12]"), "'one two...'");
  EXPECT_EQ(text_filter(text, "truncate", "[12, true]"), "'one two t...'");
  EXPECT_EQ(text_filter(text, "truncate", "[9, false, \"!\", 0]"), "'one two!'");
  EXPECT_EQ(text_filter(Value("abcdefghij"), "truncate", "[4, false, \".\", 0]"), "'abc.'")
      << "no space to cut at";
  bare::expect_refused("'truncate': the length 2 with end '...'",
                       [&] { text_filter(text, "truncate", "[2]"); });
}

TEST(JinjaTextFilters, CountsWords) {
  EXPECT_EQ(text_filter(Value("one, two-three \u00E9_4"), "wordcount"), "4");
  EXPECT_EQ(text_filter(Value(" - "), "wordcount"), "0");
}

TEST(JinjaTextFilters, Format) {
  EXPECT_EQ(text_filter(Value("%s-%03d"), "format", "[\"a\", 7]"), "'a-007'");
  EXPECT_EQ(bare::shown(text_filtered(Value("%(x)s!"), "format", bare::named("x", Value("b")))), "'b!'");
  Arguments both = bare::given("[1]");
  both.named.emplace_back("x", Value(true));
  bare::expect_refused("'format' takes positional or named arguments, not both",
                       [&] { text_filtered(Value("%s"), "format", both); });
}

TEST(JinjaTextFilters, Center) {
  EXPECT_EQ(text_filter(Value("ab"), "center", "[6]"), "'  ab  '");
  EXPECT_EQ(text_filtered(Value("ab"), "center").text().size(), 80U);
}

TEST(JinjaTextFilters, Markup) {
  EXPECT_EQ(text_filter(Value("<a & 'b'>"), "escape"), "Markup('&lt;a &amp; &#39;b&#39;&gt;')");
  EXPECT_EQ(text_filter(bare::markup("<b>"), "e"), "Markup('<b>')") << "it is escaped already";
  EXPECT_EQ(text_filter(bare::markup("<b>"), "forceescape"), "Markup('&lt;b&gt;')");
  EXPECT_EQ(text_filter(Value("<b>"), "safe"), "Markup('<b>')");
  EXPECT_EQ(text_filter(bare::markup("<b>"), "upper"), "Markup('<B>')") << "it stays what it is";
  EXPECT_EQ(text_filter(bare::markup("<b>"), "string"), "Markup('<b>')");
  EXPECT_EQ(text_filter(std::int64_t{5}, "string"), "'5'");
}

TEST(JinjaTextFilters, RefuseWhatTheyHaveNoParameterFor) {
  bare::expect_refused("'upper' takes not more than 0 argument(s), got 1",
                       [] { text_filter(Value("a"), "upper", "[1]"); });
  bare::expect_refused("'replace' needs the argument 'new'",
                       [] { text_filter(Value("a"), "replace", "[\"a\"]"); });
  bare::expect_refused("'width' of 'center' should be a whole number, is str",
                       [] { text_filter(Value("a"), "center", "[\"6\"]"); });
}

}  // namespace
}  // namespace lq::jinja
