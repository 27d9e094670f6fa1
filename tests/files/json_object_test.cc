#include "files/json_object.h"

#include <gtest/gtest.h>

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

TEST(JsonObject, UnknownKeysAndTheirOrderSurvive) {
  const TempDir dir;
  const std::string text =
      "{\n  \"zebra\": [\n    1,\n    {\n      \"x\": null\n    }\n  ],\n  \"architectures\": [\n    \"A\"\n "
      " ],\n"
      "  \"rope_theta\": 1000000.0,\n  \"initializer_range\": 0.02\n}\n";
  io_test::put_file(dir / "config.json", text);
  JsonObject c = JsonObject::load(dir.path());
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
  const JsonObject c = JsonObject::load(path);
  EXPECT_EQ(c.integer("hidden_size"), 256);
  EXPECT_EQ(c.section("rope_parameters").number("rope_theta"), 10000.0);
  EXPECT_FALSE(c.has("pad_token_id"));
}

}  // namespace
}  // namespace lq
