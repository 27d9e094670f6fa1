// The functions that every template has.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

Value global_called(std::string_view name, Arguments arguments) {
  bare::BareRuntime runtime;
  return call(runtime, global_function(name), arguments);
}
std::string global_shown(std::string_view name, const std::string& arguments) {
  return bare::shown(global_called(name, bare::given(arguments)));
}

TEST(JinjaGlobals, RangesAsInPython) {
  EXPECT_EQ(global_shown("range", "[3]"), "range[0, 1, 2]");
  EXPECT_EQ(global_shown("range", "[2, 5]"), "range[2, 3, 4]");
  EXPECT_EQ(global_shown("range", "[0, 7, 3]"), "range[0, 3, 6]");
  EXPECT_EQ(global_shown("range", "[3, 0, -2]"), "range[3, 1]");
  EXPECT_EQ(global_shown("range", "[3, 3]"), "range[]");
  EXPECT_EQ(global_shown("range", "[-3]"), "range[]");
  EXPECT_EQ(global_shown("range", "[true]"), "range[0]");
  EXPECT_EQ(global_shown("range", "[9223372036854775805, 9223372036854775807, 5]"),
            "range[9223372036854775805]")
      << "the next one would not fit";
}

TEST(JinjaGlobals, RangesAreBounded) {
  EXPECT_EQ(global_called("range", bare::given("[100000]")).list().items.size(), 100000U);
  bare::expect_refused("Range too big. The sandbox blocks ranges larger than 100000.",
                       [] { global_shown("range", "[100001]"); });
  bare::expect_refused("range step must not be zero", [] { global_shown("range", "[1, 2, 0]"); });
  for (const char* wrong : {"[]", "[1.0]", "[\"a\"]", "[1, 2, 3, 4]"}) {
    bare::expect_refused("range takes one to three whole numbers", [&] { global_shown("range", wrong); });
  }
}

TEST(JinjaGlobals, DictOfMappingsPairsAndNames) {
  EXPECT_EQ(global_shown("dict", "[]"), "{}");
  EXPECT_EQ(global_shown("dict", "[[[\"a\", 1], [\"b\", 2], [\"a\", 3]]]"), "{'a': 3, 'b': 2}");
  Arguments both = bare::given("[{\"a\": 1, \"b\": 2}]");
  both.named.emplace_back("b", Value("new"));
  EXPECT_EQ(bare::shown(global_called("dict", both)), "{'a': 1, 'b': 'new'}");
  bare::expect_refused("dict of something else than pairs", [] { global_shown("dict", "[[[1, 2, 3]]]"); });
  bare::expect_refused("dict takes not more than 1 positional argument",
                       [] { global_shown("dict", "[{}, {}]"); });
}

TEST(JinjaGlobals, DictIsACopy) {
  const Value mapping = bare::of_json("{\"a\": 1}");
  Arguments arguments;
  arguments.values = {mapping};
  const Value copy = global_called("dict", arguments);
  EXPECT_TRUE(equal(copy, mapping));
  EXPECT_NE(copy.identity(), mapping.identity());
}

TEST(JinjaGlobals, Namespaces) {
  const Value space = global_called("namespace", bare::named("found", Value(false)));
  ASSERT_TRUE(space.is_namespace());
  EXPECT_FALSE(space.is_mapping());
  EXPECT_TRUE(space.dict().find(std::string_view("found"))->is_bool());
  bare::expect_refused("the member '_hidden' of a namespace",
                       [] { global_called("namespace", bare::named("_hidden", Value(true))); });
}

TEST(JinjaGlobals, RaiseExceptionSaysItsText) {
  bare::expect_refused("Roles must alternate",
                       [] { global_shown("raise_exception", "[\"Roles must alternate\"]"); });
  bare::expect_refused("5", [] { global_shown("raise_exception", "[5]"); });
  bare::expect_refused("'raise_exception' needs the argument 'message'",
                       [] { global_shown("raise_exception", "[]"); });
}

TEST(JinjaGlobals, TheTimeIsTheRuntimes) {
  EXPECT_EQ(global_shown("strftime_now", "[\"%d %b %Y\"]"), "'29 Feb 2024'");
  EXPECT_EQ(global_shown("strftime_now", "[\"%H:%M:%S %A %j %%\"]"), "'16:05:09 Thursday 060 %'");
  EXPECT_EQ(global_shown("strftime_now", "[\"\"]"), "''");
  bare::BareRuntime runtime;
  EXPECT_EQ(format_time(runtime, "plain"), "plain");
  bare::expect_refused("'format' of 'strftime_now' should be text, is int",
                       [] { global_shown("strftime_now", "[1]"); });
}

TEST(JinjaGlobals, OtherNames) {
  EXPECT_TRUE(global_function("no_such_function").is_undefined());
  EXPECT_TRUE(global_function("").is_undefined());
  for (const char* name : {"lipsum", "cycler", "joiner"}) {
    bare::expect_unsupported("a function of Jinja that is not here", [&] { global_shown(name, "[]"); });
  }
}

}  // namespace
}  // namespace lq::jinja
