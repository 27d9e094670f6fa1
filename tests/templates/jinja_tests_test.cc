// What may stand behind "is".
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

bool passes(const Value& value, std::string_view name, const Arguments& arguments = {}) {
  bare::BareRuntime runtime;
  return apply_test(runtime, name, value, arguments);
}
bool passes_with(const Value& value, std::string_view name, const Value& other) {
  Arguments arguments;
  arguments.values = {other};
  return passes(value, name, arguments);
}

// Which of the tests of types each kind of value passes.
TEST(JinjaTests, TypesOfValues) {
  const auto passed = [](const Value& value) {
    std::string out;
    for (const char* name : {"defined", "none", "boolean", "integer", "float", "number", "string", "sequence",
                             "iterable", "mapping", "callable"}) {
      if (passes(value, name)) out.append(out.empty() ? "" : " ").append(name);
    }
    return out;
  };
  EXPECT_EQ(passed(Value()), "sequence iterable") << "empty, as Jinja's Undefined is";
  EXPECT_EQ(passed(Value(None{})), "defined none");
  EXPECT_EQ(passed(Value(true)), "defined boolean number") << "a boolean is no integer here";
  EXPECT_EQ(passed(std::int64_t{1}), "defined integer number");
  EXPECT_EQ(passed(Value(1.0)), "defined float number");
  EXPECT_EQ(passed(Value("a")), "defined string sequence iterable");
  EXPECT_EQ(passed(bare::of_json("[1]")), "defined sequence iterable");
  EXPECT_EQ(passed(bare::of_json("{}")), "defined sequence iterable mapping");
  EXPECT_EQ(passed(bare::of_kind("[1]", ListKind::kRange)), "defined sequence iterable");
  EXPECT_EQ(passed(bare::of_kind("[1]", ListKind::kView)), "defined iterable");
  EXPECT_EQ(passed(bare::of_kind("[1]", ListKind::kLazy)), "defined iterable");
  EXPECT_EQ(passed(global_function("range")), "defined callable");
  EXPECT_TRUE(passes(Value(), "undefined"));
  EXPECT_FALSE(passes(Value(None{}), "undefined"));
}

TEST(JinjaTests, TrueAndFalseAreTheBooleansOnly) {
  EXPECT_TRUE(passes(Value(true), "true"));
  EXPECT_FALSE(passes(std::int64_t{1}, "true") || passes(Value("a"), "true"));
  EXPECT_TRUE(passes(Value(false), "false"));
  EXPECT_FALSE(passes(std::int64_t{0}, "false") || passes(Value(), "false"));
}

TEST(JinjaTests, Arithmetic) {
  EXPECT_TRUE(passes(std::int64_t{-3}, "odd"));
  EXPECT_TRUE(passes(std::int64_t{-4}, "even"));
  EXPECT_FALSE(passes(Value(2.5), "even"));
  EXPECT_TRUE(passes_with(std::int64_t{9}, "divisibleby", std::int64_t{3}));
  EXPECT_FALSE(passes_with(std::int64_t{9}, "divisibleby", std::int64_t{2}));
  bare::expect_refused("division by zero",
                       [] { passes_with(std::int64_t{9}, "divisibleby", std::int64_t{0}); });
}

TEST(JinjaTests, CasesOfText) {
  EXPECT_TRUE(passes(Value("ab1"), "lower"));
  EXPECT_FALSE(passes(Value("aB"), "lower") || passes(Value("1"), "lower"));
  EXPECT_TRUE(passes(Value("AB1"), "upper"));
  EXPECT_FALSE(passes(Value(true), "upper")) << "it prints True";
  EXPECT_TRUE(passes(bare::markup("a"), "escaped"));
  EXPECT_FALSE(passes(Value("a"), "escaped"));
}

TEST(JinjaTests, ComparisonsUnderAllTheirNames) {
  const Value one = std::int64_t{1}, two = std::int64_t{2};
  for (const char* name : {"eq", "equalto", "=="}) {
    EXPECT_TRUE(passes_with(one, name, Value(1.0))) << name;
    EXPECT_FALSE(passes_with(one, name, two)) << name;
  }
  for (const char* name : {"ne", "!="}) EXPECT_TRUE(passes_with(one, name, two)) << name;
  for (const char* name : {"lt", "lessthan", "<", "le", "<="}) {
    EXPECT_TRUE(passes_with(one, name, two)) << name;
    EXPECT_FALSE(passes_with(two, name, one)) << name;
  }
  for (const char* name : {"gt", "greaterthan", ">", "ge", ">="})
    EXPECT_TRUE(passes_with(two, name, one)) << name;
  for (const char* name : {"le", ">="}) EXPECT_TRUE(passes_with(one, name, one)) << name;
  EXPECT_FALSE(passes_with(one, "lt", one) || passes_with(one, "gt", one));
}

TEST(JinjaTests, SameAsAsksForTheSameObject) {
  const Value list = bare::of_json("[1]");
  EXPECT_TRUE(passes_with(list, "sameas", Value(list))) << "a copy of the value shares it";
  EXPECT_FALSE(passes_with(list, "sameas", bare::of_json("[1]")));
  EXPECT_TRUE(passes_with(Value(None{}), "sameas", Value(None{})));
  EXPECT_FALSE(passes_with(Value(true), "sameas", std::int64_t{1}));
  EXPECT_FALSE(passes_with(Value(1.0), "sameas", std::int64_t{1}));
}

TEST(JinjaTests, In) {
  EXPECT_TRUE(passes_with(Value("b"), "in", Value("abc")));
  EXPECT_TRUE(passes_with(std::int64_t{1}, "in", bare::of_json("[1]")));
  EXPECT_FALSE(passes_with(Value("x"), "in", bare::of_json("{\"a\": 1}")));
}

TEST(JinjaTests, KnowsItsOwnNames) {
  EXPECT_TRUE(passes(Value("upper"), "filter") && passes(Value("join"), "filter") &&
              passes(Value("tojson"), "filter"));
  EXPECT_FALSE(passes(Value("shuffle"), "filter") || passes(std::int64_t{1}, "filter"));
  EXPECT_TRUE(passes(Value("odd"), "test") && passes(Value("=="), "test"));
  EXPECT_FALSE(passes(Value("sorted"), "test"));
}

TEST(JinjaTests, RefusesUnknownTestsAndWrongArguments) {
  bare::expect_unsupported("the test 'is sorted'", [] { passes(Value("a"), "sorted"); });
  bare::expect_refused("'odd' takes not more than 0 argument(s), got 1",
                       [] { passes(std::int64_t{1}, "odd", bare::given("[1]")); });
  bare::expect_refused("'eq' needs the argument 'other'", [] { passes(std::int64_t{1}, "eq"); });
}

}  // namespace
}  // namespace lq::jinja
