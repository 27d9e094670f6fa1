// json.dumps of Python, with its arguments.
#include <gtest/gtest.h>

#include <cmath>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

std::string dumped(const Value& value, const JsonStyle& style = {}) {
  bare::BareRuntime runtime;
  return to_json(runtime, value, style);
}

TEST(JinjaJson, OneLineByDefault) {
  EXPECT_EQ(dumped(bare::of_json("{\"b\": [1, 2.0, true, null], \"a\": {}, \"c\": []}")),
            "{\"b\": [1, 2.0, true, null], \"a\": {}, \"c\": []}");
  EXPECT_EQ(dumped(bare::tuple_of("[1, \"a\"]")), "[1, \"a\"]");
  EXPECT_EQ(dumped(Value("a")), "\"a\"");
}

TEST(JinjaJson, EscapesInText) {
  EXPECT_EQ(dumped(Value("\"\\\b\f\n\r\t\x01")), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"");
  EXPECT_EQ(dumped(Value("\u00E9\u2028\U0001F600/\x7F")), "\"\u00E9\u2028\U0001F600/\x7F\"");
}

TEST(JinjaJson, AsciiSpellsTheOthers) {
  JsonStyle style;
  style.ascii = true;
  EXPECT_EQ(dumped(Value("a\u00E9\u4E2D~\x7F"), style), "\"a\\u00e9\\u4e2d~\\u007f\"");
  EXPECT_EQ(dumped(Value("\U0001F600"), style), "\"\\ud83d\\ude00\"") << "as a pair";
}

TEST(JinjaJson, Indentation) {
  JsonStyle style;
  style.indent = "  ";
  EXPECT_EQ(dumped(bare::of_json("{\"a\": [1, {}], \"b\": []}"), style),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  style.indent = "";
  EXPECT_EQ(dumped(bare::of_json("[1, 2]"), style), "[\n1,\n2\n]") << "lines without a margin";
}

TEST(JinjaJson, Separators) {
  JsonStyle style;
  style.separators = {",", ":"};
  EXPECT_EQ(dumped(bare::of_json("{\"a\": [1, 2], \"b\": 3}"), style), "{\"a\":[1,2],\"b\":3}");
  style.indent = "\t";
  EXPECT_EQ(dumped(bare::of_json("{\"a\": 1}"), style), "{\n\t\"a\":1\n}");
}

TEST(JinjaJson, SortedKeys) {
  JsonStyle style;
  style.sort_keys = true;
  EXPECT_EQ(dumped(bare::of_json("{\"b\": {\"d\": 1, \"c\": 2}, \"a\": 0, \"B\": 3}"), style),
            "{\"B\": 3, \"a\": 0, \"b\": {\"c\": 2, \"d\": 1}}");
  auto mixed = std::make_shared<Dict>();
  mixed->set(Value("a"), Value(true));
  mixed->set(std::int64_t{1}, Value(true));
  EXPECT_EQ(dumped(Value(mixed)), "{\"a\": true, \"1\": true}");
  bare::expect_refused("'<' not supported", [&] { dumped(Value(mixed), style); });
}

TEST(JinjaJson, KeysThatAreNoText) {
  auto dict = std::make_shared<Dict>();
  dict->set(Value(true), std::int64_t{1});
  dict->set(Value(None{}), std::int64_t{2});
  dict->set(Value(2.5), std::int64_t{3});
  EXPECT_EQ(dumped(Value(dict)), "{\"true\": 1, \"null\": 2, \"2.5\": 3}");
  dict->set(bare::tuple_of("[1]"), std::int64_t{4});
  bare::expect_refused("keys must be str, int, float, bool or None, not tuple", [&] { dumped(Value(dict)); });
}

TEST(JinjaJson, FloatsThatJsonDoesNotKnow) {
  EXPECT_EQ(dumped(Value(std::nan(""))), "NaN");
  EXPECT_EQ(dumped(Value(-INFINITY)), "-Infinity");
  EXPECT_EQ(dumped(Value(1e16)), "1e+16");
}

TEST(JinjaJson, RefusesWhatHasNoForm) {
  bare::expect_refused("Object of type Undefined is not JSON serializable", [] { dumped(Value()); });
  bare::expect_refused("Object of type range is not JSON serializable",
                       [] { dumped(bare::of_kind("[1]", ListKind::kRange)); });
  bare::expect_refused("Object of type function is not JSON serializable",
                       [] { dumped(global_function("range")); });
  Value deep = Value("a");
  for (int i = 0; i < 250; ++i) deep = Value(std::vector<Value>{deep});
  bare::expect_unsupported("JSON nested more than 200 deep", [&] { dumped(deep); });
}

}  // namespace
}  // namespace lq::jinja
