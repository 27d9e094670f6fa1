#include "files/json_object.h"

#include <gtest/gtest.h>

#include <optional>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

JsonObject config(const std::string& text) { return JsonObject::parse(text, "[config] c"); }

TEST(JsonObject, TypedValues) {
  const JsonObject c = config(
      R"({"hidden_size": 64, "float_size": 12.0, "eps": 1e-05, "whole": 10000, "tie": true, "act": "silu",
          "pad": null, "eos": [1, 2], "bos": 1, "archs": ["A", "B"], "arch": "A", "rope": {"factor": 8.0}})");
  EXPECT_EQ(c.integer("hidden_size"), 64);
  EXPECT_EQ(c.integer("float_size"), 12);
  EXPECT_EQ(c.integer_or("pad", 7), 7);
  EXPECT_EQ(c.integer_or("none", -1), -1);  // a fallback need not lie in the range
  EXPECT_EQ(c.number("eps"), 1e-5);
  EXPECT_EQ(c.number("whole"), 10000.0);
  EXPECT_EQ(c.number_or("none", 0.5), 0.5);
  EXPECT_TRUE(c.boolean("tie"));
  EXPECT_TRUE(c.boolean_or("none", true));
  EXPECT_EQ(c.text("act"), "silu");
  EXPECT_EQ(c.text_or("pad", "x"), "x");
  EXPECT_EQ(c.integers("eos", 0, 9), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(c.integers("bos", 0, 9), (std::vector<std::int64_t>{1}));
  EXPECT_TRUE(c.integers("pad", 0, 9).empty());
  EXPECT_EQ(c.texts("archs"), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(c.texts("arch"), (std::vector<std::string>{"A"}));
  EXPECT_FALSE(c.has("pad"));
  EXPECT_EQ(c.section("rope").number("factor"), 8.0);
  EXPECT_FALSE(c.section_if("none").has_value());
}

TEST(JsonObject, ErrorsNameFileKeyAndWhatWasExpected) {
  const JsonObject c = config(
      R"({"n": -1, "z": 0, "huge": 1e30, "big": 18446744073709551615, "half": 0.5, "s": "x", "l": [1, "x"],
          "o": {"f": "bad", "in": {"g": -2}}, "t": "line\nbreak"})");
  expect_error(ErrorCode::kNotFound, {"[config] c", "'layers'", "missing"},
               [&] { (void)c.integer("layers"); });
  for (const char* key : {"n", "z", "huge", "big", "half", "s", "l", "o"}) {
    expect_error(ErrorCode::kCorruptFile, {"[config] c: key", key, "an integer from 1 to 1099511627776"},
                 [&] { (void)c.integer(key); });
  }
  EXPECT_EQ(c.integer("n", -5, 5), -1);
  expect_error(ErrorCode::kCorruptFile, {"'s' is \"x\", but a number"}, [&] { (void)c.number("s"); });
  expect_error(ErrorCode::kCorruptFile, {"'half'", "from 1 to 2"}, [&] { (void)c.number("half", 1, 2); });
  expect_error(ErrorCode::kCorruptFile, {"'n' is -1, but true or false"}, [&] { (void)c.boolean("n"); });
  expect_error(ErrorCode::kCorruptFile, {"'n' is -1, but a text"}, [&] { (void)c.text("n"); });
  expect_error(ErrorCode::kCorruptFile, {"'l'", "list of texts"}, [&] { (void)c.texts("l"); });
  expect_error(ErrorCode::kCorruptFile, {"'o'", "list of texts"}, [&] { (void)c.texts("o"); });
  expect_error(ErrorCode::kCorruptFile, {"'o.f' is \"bad\""}, [&] { (void)c.section("o").number("f"); });
  expect_error(ErrorCode::kCorruptFile, {"'o.in.g' is -2"},
               [&] { (void)c.section("o").section("in").integer("g"); });
  expect_error(ErrorCode::kCorruptFile, {"'n'", "an object"}, [&] { (void)c.section("n"); });
  expect_error(ErrorCode::kCorruptFile, {"'t'"}, [&] { (void)c.integer("t"); });
  expect_error(ErrorCode::kCorruptFile, {"[config] c", "an object was expected"}, [] { config("[1]"); });
  expect_error(ErrorCode::kCorruptFile, {"'a' occurs twice"}, [] { config(R"({"a":1,"a":2})"); });
}

TEST(JsonObject, ListsOfObjectsAndNumbers) {
  const JsonObject c = config(
      R"({"m": [{"rank": 4}, {"rank": "x"}], "by": {"a.b": {"r": 1}, "c": {"r": 0}}, "x": [1, 2.5], "s": 18446744073709551615,
          "bad": [{}, 1], "z": {"a": 1}, "y": [1, "2"]})");
  const auto list = c.sections("m");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].integer("rank"), 4);
  expect_error(ErrorCode::kCorruptFile, {"'m[1].rank' is \"x\""}, [&] { (void)list[1].integer("rank"); });
  const auto named = c.named_sections("by");
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0].first, "a.b");
  expect_error(ErrorCode::kCorruptFile, {"'by.c.r' is 0"}, [&] { (void)named[1].second.integer("r"); });
  EXPECT_TRUE(c.sections("none").empty());
  EXPECT_TRUE(c.named_sections("none").empty());
  EXPECT_EQ(c.required_sections("m").size(), 2U);
  expect_error(ErrorCode::kNotFound, {"'none' is missing"}, [&] { (void)c.required_sections("none"); });
  expect_error(ErrorCode::kCorruptFile, {"'z'", "a list of objects"}, [&] { (void)c.sections("z"); });
  expect_error(ErrorCode::kCorruptFile, {"'bad[1]' is 1, but an object was expected"},
               [&] { (void)c.sections("bad"); });
  expect_error(ErrorCode::kCorruptFile, {"'x'", "an object of objects"},
               [&] { (void)c.named_sections("x"); });
  expect_error(ErrorCode::kCorruptFile, {"'z'", "an object of objects"},
               [&] { (void)c.named_sections("z"); });
  EXPECT_EQ(c.numbers("x"), (std::vector<double>{1.0, 2.5}));
  EXPECT_TRUE(c.numbers("none").empty());
  expect_error(ErrorCode::kCorruptFile, {"'y' is \"2\", but a number"}, [&] { (void)c.numbers("y"); });
  EXPECT_EQ(c.unsigned64("s"), 18446744073709551615U);
  expect_error(ErrorCode::kCorruptFile, {"'x'", "an integer of 0 or more"}, [&] { (void)c.unsigned64("x"); });
  EXPECT_EQ(c.number_if("none"), std::nullopt);
}

TEST(JsonObject, KeysNobodyAskedFor) {
  const JsonObject c = config(R"({"a": 1, "b": {"in": 2, "unseen": 3}, "c": 4, "d": null})");
  (void)c.integer("a");
  const JsonObject b = c.section("b");
  EXPECT_TRUE(b.has("in"));
  EXPECT_EQ(c.unread_keys(), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(b.unread_keys(), (std::vector<std::string>{"unseen"}));
  const JsonObject copy = c;  // shares what was asked
  (void)copy.integer_or("d", 0);
  EXPECT_EQ(c.unread_keys(), (std::vector<std::string>{"c"}));
}

TEST(JsonObject, WhatARecordLacksIsDamage) {
  const nlohmann::json sorted = {{"b", 1}, {"a", {{"x", 2}}}, {"none", 0}};
  const JsonObject c = JsonObject::record(sorted, "[x] s");
  EXPECT_EQ(c.section("a").integer("x"), 2);
  EXPECT_EQ(c.count("none"), 0);
  EXPECT_EQ(c.any("a")["x"], 2);
  expect_error(ErrorCode::kCorruptFile, {"[x] s: key 'c' is missing"}, [&] { (void)c.integer("c"); });
  expect_error(ErrorCode::kCorruptFile, {"[x] s: key 'a.y' is missing"},
               [&] { (void)c.section("a").integer("y"); });
  expect_error(ErrorCode::kCorruptFile, {"[x] s: an object was expected"},
               [] { JsonObject::record(nlohmann::json::array(), "[x] s"); });
}

TEST(JsonObject, UnknownKeysAndTheirOrderSurvive) {
  const TempDir dir;
  const std::string text =
      "{\n  \"zebra\": [\n    1,\n    {\n      \"x\": null\n    }\n  ],\n  \"architectures\": [\n    \"A\"\n "
      " ],\n"
      "  \"rope_theta\": 1000000.0,\n  \"initializer_range\": 0.02\n}\n";
  io_test::put_file(dir / "config.json", text);
  JsonObject c = JsonObject::load(dir / "config.json");
  c.save(dir / "copy.json");
  EXPECT_EQ(io_test::get_file(dir / "copy.json"), text);
  c.json()["quantization_config"]["quant_method"] = "lqlora";
  c.save(dir / "copy.json");
  EXPECT_EQ(JsonObject::load(dir / "copy.json").section("quantization_config").text("quant_method"),
            "lqlora");
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { JsonObject::load(dir / "none"); });
}

TEST(JsonObject, ReadsRealConfigs) {
  const auto path = io_test::shared_data("models/quill");
  if (path.empty()) GTEST_SKIP() << "shared/data/models/quill is not beside this checkout";
  const JsonObject c = JsonObject::load(path / "config.json");
  EXPECT_EQ(c.integer("hidden_size"), 256);
  EXPECT_EQ(c.section("rope_parameters").number("rope_theta"), 10000.0);
  EXPECT_FALSE(c.has("pad_token_id"));
}

}  // namespace
}  // namespace lq
