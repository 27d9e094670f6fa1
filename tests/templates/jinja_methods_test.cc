// Python's methods of lists and mappings.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

using bare::called;
using bare::called_value;

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
