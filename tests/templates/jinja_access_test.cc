// Members, items, slices, calls and the arguments of functions.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

std::string attribute_of(const Value& value, std::string_view name) {
  bare::BareRuntime runtime;
  return bare::shown(attribute(runtime, value, name));
}
Value item_value(const Value& value, const Value& key) {
  bare::BareRuntime runtime;
  return item(runtime, value, key);
}
std::string item_of(const Value& value, const Value& key) { return bare::shown(item_value(value, key)); }
// bounds: begin, end and step in JSON.
std::string sliced(const Value& value, const std::string& bounds) {
  bare::BareRuntime runtime;
  const Value b = bare::of_json(bounds);
  const auto& at = b.list().items;
  return bare::shown(slice(runtime, value, at[0], at[1], at[2]));
}
// Why it is undefined.
std::string reason(const Value& value) {
  return value.is_undefined() && value.undefined_reason() != nullptr ? *value.undefined_reason()
                                                                     : "no reason";
}

TEST(JinjaAccess, AttributesAreMethodsBeforeMembers) {
  const Value mapping = bare::of_json("{\"items\": 1, \"a\": 2}");
  EXPECT_EQ(attribute_of(mapping, "a"), "2");
  bare::BareRuntime runtime;
  EXPECT_TRUE(attribute(runtime, mapping, "items").is_object()) << "the method";
  EXPECT_EQ(item_of(mapping, Value("items")), "1") << "the member";
  EXPECT_TRUE(item_value(bare::of_json("{}"), Value("items")).is_object());
}

TEST(JinjaAccess, WhatIsMissingSaysSo) {
  bare::BareRuntime runtime;
  EXPECT_EQ(reason(attribute(runtime, bare::of_json("{}"), "x")), "'dict object' has no attribute 'x'");
  EXPECT_EQ(reason(attribute(runtime, Value("a"), "x")), "'str' has no attribute 'x'");
  EXPECT_EQ(reason(item(runtime, bare::of_json("[1]"), std::int64_t{1})), "'list' has no attribute '1'");
  bare::expect_unsupported("the method 'encode' of text", [&] { attribute(runtime, Value("a"), "encode"); });
  bare::expect_refused("'x' is undefined ('y' of it is asked for)",
                       [&] { attribute(runtime, Value::undefined("'x' is undefined"), "y"); });
  bare::expect_refused("a value is undefined ('0' of it is asked for)",
                       [&] { item(runtime, Value(), std::int64_t{0}); });
}

TEST(JinjaAccess, TheSandboxHidesUnderscores) {
  bare::BareRuntime runtime;
  EXPECT_TRUE(attribute(runtime, Value("a"), "__class__").is_undefined());
  EXPECT_EQ(attribute_of(bare::of_json("{\"_a\": 1}"), "_a"), "1") << "a key is data";
}

TEST(JinjaAccess, ItemsCountFromBothEnds) {
  const Value list = bare::of_json("[5, 6, 7]");
  EXPECT_EQ(item_of(list, std::int64_t{0}), "5");
  EXPECT_EQ(item_of(list, std::int64_t{-1}), "7");
  EXPECT_EQ(item_of(list, Value(true)), "6") << "True is 1";
  EXPECT_TRUE(item_value(list, std::int64_t{3}).is_undefined());
  EXPECT_TRUE(item_value(list, std::int64_t{-4}).is_undefined());
  EXPECT_TRUE(item_value(list, Value(1.0)).is_undefined());
  const Value text("a\u00E9\u4E2D");
  EXPECT_EQ(item_of(text, std::int64_t{1}), "'\u00E9'");
  EXPECT_EQ(item_of(text, std::int64_t{-1}), "'\u4E2D'");
  EXPECT_TRUE(item_value(text, std::int64_t{3}).is_undefined());
  EXPECT_EQ(item_of(bare::of_kind("[5]", ListKind::kRange), std::int64_t{0}), "5");
  EXPECT_TRUE(item_value(bare::of_kind("[5]", ListKind::kView), std::int64_t{0}).is_undefined());
}

TEST(JinjaAccess, SlicesOfLists) {
  const Value list = bare::of_json("[0, 1, 2, 3, 4]");
  EXPECT_EQ(sliced(list, "[1, 3, null]"), "[1, 2]");
  EXPECT_EQ(sliced(list, "[null, null, null]"), "[0, 1, 2, 3, 4]");
  EXPECT_EQ(sliced(list, "[-2, null, null]"), "[3, 4]");
  EXPECT_EQ(sliced(list, "[-9, 9, null]"), "[0, 1, 2, 3, 4]") << "bounds outside are the ends";
  EXPECT_EQ(sliced(list, "[3, 1, null]"), "[]");
  EXPECT_EQ(sliced(list, "[null, null, 2]"), "[0, 2, 4]");
  EXPECT_EQ(sliced(list, "[null, null, -1]"), "[4, 3, 2, 1, 0]");
  EXPECT_EQ(sliced(list, "[3, 0, -1]"), "[3, 2, 1]");
  EXPECT_EQ(sliced(list, "[1, null, -1]"), "[1, 0]");
  EXPECT_EQ(sliced(list, "[null, -9, -2]"), "[4, 2, 0]");
  EXPECT_EQ(sliced(list, "[1, null, 9223372036854775807]"), "[1]") << "a step beyond the end";
  EXPECT_EQ(sliced(bare::tuple_of("[1, 2]"), "[1, null, null]"), "(2,)");
}

TEST(JinjaAccess, SlicesOfText) {
  const Value text("a\u00E9\u4E2Db");
  EXPECT_EQ(sliced(text, "[1, 3, null]"), "'\u00E9\u4E2D'");
  EXPECT_EQ(sliced(text, "[null, null, -1]"), "'b\u4E2D\u00E9a'");
  EXPECT_EQ(sliced(text, "[5, null, null]"), "''");
  EXPECT_EQ(sliced(bare::markup("<b>"), "[0, 2, null]"), "Markup('<b')");
}

TEST(JinjaAccess, SlicesThatCannotBe) {
  bare::expect_refused("slice indices must be integers or none",
                       [] { sliced(Value("a"), "[0.5, null, null]"); });
  bare::expect_refused("slice step cannot be zero", [] { sliced(Value("a"), "[null, null, 0]"); });
  bare::expect_refused("'a slice' of it is asked for", [] { sliced(Value(), "[null, null, null]"); });
  EXPECT_EQ(sliced(std::int64_t{5}, "[null, null, null]"), "Undefined");
}

TEST(JinjaAccess, PathsOfMembers) {
  bare::BareRuntime runtime;
  const Value value = bare::of_json("{\"a\": [{\"b\": 5}], \"1\": 6}");
  EXPECT_EQ(bare::shown(member_at(runtime, value, Value("a.0.b"))), "5");
  EXPECT_EQ(bare::shown(member_at(runtime, bare::of_json("[7, 8]"), std::int64_t{1})), "8");
  EXPECT_TRUE(member_at(runtime, value, Value("1")).is_undefined()) << "a number is an index";
  bare::expect_refused("'c' of it is asked for", [&] { member_at(runtime, value, Value("x.c")); });
}

TEST(JinjaAccess, OnlyFunctionsAreCalled) {
  bare::BareRuntime runtime;
  Arguments none;
  bare::expect_refused("'int' object is not callable", [&] { call(runtime, std::int64_t{1}, none); });
  bare::expect_refused("'f' is undefined (and is called)",
                       [&] { call(runtime, Value::undefined("'f' is undefined"), none); });
}

TEST(JinjaAccess, ArgumentsByPositionAndName) {
  const bare::BareRuntime runtime;
  Arguments arguments = bare::given("[1]");
  arguments.named.emplace_back("b", Value("x"));
  const Bound bound(runtime, "f", arguments, {"a", "b", "c"});
  EXPECT_EQ(bound.whole(0, 9), 1);
  EXPECT_EQ(bound.text(1), "x");
  EXPECT_EQ(bound[2], nullptr);
  EXPECT_EQ(bound.whole(2, 9), 9);
  EXPECT_EQ(bound.text(2, "fallback"), "fallback");
  EXPECT_TRUE(bound.flag(2, true));
  EXPECT_TRUE(bound.flag(1, false)) << "text that is not empty";
  bare::expect_refused("'f' needs the argument 'c'", [&] { bound.required(2); });
  bare::expect_refused("'b' of 'f' should be a whole number, is str", [&] { bound.whole(1, 0); });
  bare::expect_refused("'a' of 'f' should be text, is int", [&] { bound.text(0); });
}

TEST(JinjaAccess, ArgumentsThatDoNotFit) {
  const bare::BareRuntime runtime;
  const Arguments two = bare::given("[1, 2]");
  bare::expect_refused("'f' takes not more than 1 argument(s), got 2",
                       [&] { Bound(runtime, "f", two, {"a"}); });
  Arguments twice = bare::given("[1]");
  twice.named.emplace_back("a", Value(true));
  bare::expect_refused("'f' got two values for 'a'", [&] { Bound(runtime, "f", twice, {"a"}); });
  const Arguments other = bare::named("x", Value(true));
  bare::expect_refused("'f' has no argument 'x'", [&] { Bound(runtime, "f", other, {"a"}); });
}

}  // namespace
}  // namespace lq::jinja
