// Python's operators on values.
#include <gtest/gtest.h>

#include <tuple>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

// What `a op b` gives of two values in JSON.
std::string computed(const std::string& a, std::string_view op, const std::string& b) {
  bare::BareRuntime runtime;
  return bare::shown(binary(runtime, op, bare::of_json(a), bare::of_json(b)));
}
Value computed_of(const Value& a, std::string_view op, const Value& b) {
  bare::BareRuntime runtime;
  return binary(runtime, op, a, b);
}

TEST(JinjaOperators, WholeNumbersRoundTowardsMinusInfinity) {
  EXPECT_EQ(computed("7", "//", "2"), "3");
  EXPECT_EQ(computed("-7", "//", "2"), "-4");
  EXPECT_EQ(computed("7", "//", "-2"), "-4");
  EXPECT_EQ(computed("-6", "//", "2"), "-3");
  EXPECT_EQ(computed("-7", "%", "2"), "1");
  EXPECT_EQ(computed("7", "%", "-2"), "-1");
  EXPECT_EQ(computed("-7", "%", "-2"), "-1");
  EXPECT_EQ(computed("6", "/", "3"), "2.0") << "a quotient is always a float";
}

TEST(JinjaOperators, PowersOfWholeNumbers) {
  EXPECT_EQ(computed("2", "**", "62"), "4611686018427387904");
  EXPECT_EQ(computed("2", "**", "-1"), "0.5");
  EXPECT_EQ(computed("0", "**", "0"), "1");
  EXPECT_EQ(computed("-1", "**", "1000000000001"), "-1") << "in no time";
  EXPECT_EQ(computed("-1", "**", "1000000000000"), "1");
  EXPECT_EQ(computed("-3", "**", "3"), "-27");
}

TEST(JinjaOperators, PowersThatPythonHasNot) {
  bare::expect_refused("0.0 cannot be raised to a negative power", [] { computed("0", "**", "-1"); });
  bare::expect_refused("too large", [] { computed("2.0", "**", "5000"); });
  bare::expect_unsupported("a complex number", [] { computed("-8", "**", "0.5"); });
}

// A double holds no more than 53 bits of a whole number.
TEST(JinjaOperators, WholeNumbersAreComparedExactly) {
  EXPECT_EQ(computed("9007199254740993", "==", "9007199254740992.0"), "False");
  EXPECT_EQ(computed("9007199254740993", ">", "9007199254740992.0"), "True");
  EXPECT_EQ(computed("9007199254740992", "==", "9007199254740992.0"), "True");
  EXPECT_EQ(computed("-9223372036854775808", "%", "-1"), "0");
}

TEST(JinjaOperators, BooleansCountAsNumbers) {
  EXPECT_EQ(computed("true", "+", "true"), "2");
  EXPECT_EQ(computed("true", "==", "1.0"), "True");
  EXPECT_EQ(computed("false", "<", "0.5"), "True");
}

TEST(JinjaOperators, NumbersOfMoreThan64BitsAreRefused) {
  for (const auto& [a, op, b] :
       {std::tuple{"9223372036854775807", "+", "1"}, std::tuple{"-9223372036854775807", "-", "2"},
        std::tuple{"4611686018427387904", "*", "2"}, std::tuple{"2", "**", "63"}}) {
    const Value left = bare::of_json(a), right = bare::of_json(b);
    const std::string_view sign = op;
    bare::expect_unsupported("whole numbers of more than 64 bits", [&] { computed_of(left, sign, right); });
  }
  EXPECT_EQ(computed("9223372036854775806", "+", "1"), "9223372036854775807");
}

TEST(JinjaOperators, Floats) {
  EXPECT_EQ(computed("7.5", "//", "2"), "3.0");
  EXPECT_EQ(computed("-7.5", "//", "2"), "-4.0");
  EXPECT_EQ(computed("-7.5", "%", "2"), "0.5");
  EXPECT_EQ(computed("7.5", "%", "-2"), "-0.5");
  EXPECT_EQ(computed("1", "//", "0.1"), "9.0") << "0.1 is a little more than a tenth";
  EXPECT_EQ(computed("0.1", "+", "0.2"), "0.30000000000000004");
  EXPECT_EQ(computed("4", "**", "0.5"), "2.0");
  for (const char* op : {"/", "//", "%"}) {
    bare::expect_refused("division by zero", [&] { computed("1", op, "0"); });
    bare::expect_refused("division by zero", [&] { computed("1.5", op, "0"); });
  }
}

TEST(JinjaOperators, TextAndListsAreJoinedAndRepeated) {
  EXPECT_EQ(computed("\"a\"", "+", "\"b\""), "'ab'");
  EXPECT_EQ(computed("\"ab\"", "*", "2"), "'abab'");
  EXPECT_EQ(computed("2", "*", "[1, 2]"), "[1, 2, 1, 2]");
  EXPECT_EQ(computed("\"ab\"", "*", "-1"), "''");
  EXPECT_EQ(computed("[1]", "+", "[\"a\"]"), "[1, 'a']");
  EXPECT_EQ(bare::shown(computed_of(bare::tuple_of("[1]"), "+", bare::tuple_of("[2]"))), "(1, 2)");
  bare::expect_refused("unsupported operand types for +: 'list' and 'tuple'",
                       [] { computed_of(bare::of_json("[]"), "+", bare::tuple_of("[]")); });
  bare::expect_refused("unsupported operand types for +: 'str' and 'int'",
                       [] { computed("\"a\"", "+", "1"); });
  bare::expect_unsupported("a value repeated 20000000 times", [] { computed("\"a\"", "*", "20000000"); });
}

TEST(JinjaOperators, MarkupEscapesWhatIsAdded) {
  const Value sum = computed_of(bare::markup("<b>"), "+", Value("<i>"));
  EXPECT_TRUE(sum.is_markup());
  EXPECT_EQ(sum.text(), "<b>&lt;i&gt;");
  EXPECT_EQ(computed_of(Value("<i>"), "+", bare::markup("<b>")).text(), "&lt;i&gt;<b>");
  EXPECT_EQ(computed_of(bare::markup("a"), "+", bare::markup("<b>")).text(), "a<b>");
  EXPECT_TRUE(computed_of(bare::markup("a"), "*", std::int64_t{2}).is_markup());
}

TEST(JinjaOperators, TildePrintsBoth) {
  EXPECT_EQ(computed("1", "~", "\"a\""), "'1a'");
  EXPECT_EQ(computed("[1]", "~", "null"), "'[1]None'");
  EXPECT_EQ(bare::shown(computed_of(Value(), "~", Value("a"))), "'a'") << "what is undefined prints nothing";
}

TEST(JinjaOperators, PercentOfTextFormats) {
  EXPECT_EQ(bare::shown(computed_of(Value("%s-%d"), "%", bare::tuple_of("[\"a\", 3]"))), "'a-3'");
  EXPECT_EQ(computed("\"%s\"", "%", "5"), "'5'");
}

TEST(JinjaOperators, OrderOfValues) {
  EXPECT_EQ(computed("1", "<", "1.5"), "True");
  EXPECT_EQ(computed("\"Z\"", "<", "\"a\""), "True");
  EXPECT_EQ(computed("[1, 2]", "<", "[1, 3]"), "True");
  EXPECT_EQ(computed("[1]", "<", "[1, 0]"), "True") << "a beginning comes before the whole";
  EXPECT_EQ(computed("[1, 2]", ">=", "[1, 2]"), "True");
  EXPECT_EQ(computed("2", "<=", "1"), "False");
  bare::expect_refused("'<' not supported between 'int' and 'str'", [] { computed("1", "<", "\"a\""); });
  bare::expect_refused("'<' not supported between 'NoneType' and 'int'", [] { computed("null", "<", "1"); });
  bare::expect_refused("'<' not supported between 'dict' and 'dict'", [] { computed("{}", "<", "{}"); });
}

TEST(JinjaOperators, WhatIsUndefinedIsNamed) {
  const Value x = Value::undefined("'x' is undefined");
  bare::expect_refused("'x' is undefined", [&] { computed_of(x, "+", std::int64_t{1}); });
  bare::expect_refused("'x' is undefined", [&] { computed_of(std::int64_t{1}, "<", x); });
  bare::expect_refused("an undefined value is used", [] { computed_of(Value("a"), "+", Value()); });
  EXPECT_TRUE(truth(computed_of(x, "==", Value())));
}

TEST(JinjaOperators, Containers) {
  EXPECT_EQ(computed("\"b\"", "in", "\"abc\""), "True");
  EXPECT_EQ(computed("\"\"", "in", "\"\""), "True");
  EXPECT_EQ(computed("1.0", "in", "[1]"), "True") << "they are equal";
  EXPECT_EQ(computed("\"k\"", "in", "{\"k\": 1}"), "True") << "keys, not values";
  EXPECT_EQ(computed("1", "in", "{\"k\": 1}"), "False");
  EXPECT_EQ(computed("2", "not in", "[1]"), "True");
  EXPECT_FALSE(truth(computed_of(Value("a"), "in", Value())));
  bare::expect_refused("'in <string>' requires string as left operand, not int",
                       [] { computed("1", "in", "\"1\""); });
  bare::expect_refused("argument of type 'int' is not iterable", [] { computed("1", "in", "1"); });
}

TEST(JinjaOperators, IterationAndLength) {
  const bare::BareRuntime runtime;
  const auto items = [&](const Value& value) { return bare::shown(Value(iterate(runtime, value))); };
  EXPECT_EQ(items(Value("a\u00E9\u4E2D")), "['a', '\u00E9', '\u4E2D']");
  EXPECT_EQ(items(bare::of_json("{\"b\": 1, \"a\": 2}")), "['b', 'a']");
  EXPECT_EQ(items(Value()), "[]");
  const Value generator = bare::of_kind("[1, 2]", ListKind::kLazy);
  EXPECT_EQ(items(generator), "[1, 2]");
  EXPECT_EQ(items(generator), "[]") << "walked once";
  EXPECT_EQ(length(runtime, Value("a\u00E9")), 2);
  EXPECT_EQ(length(runtime, bare::of_kind("[5, 6, 7]", ListKind::kRange)), 3);
  EXPECT_EQ(length(runtime, Value()), 0);
  bare::expect_refused("'int' object is not iterable", [&] { iterate(runtime, std::int64_t{1}); });
  bare::expect_refused("object of type 'generator' has no len()", [&] { length(runtime, generator); });
}

}  // namespace
}  // namespace lq::jinja
