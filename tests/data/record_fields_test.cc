#include "data/record_fields.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

TEST(RecordFields, NamesAndTypes) {
  const Json record = {{"question", "q"}, {"n", 3}, {"none", nullptr}};
  const std::map<std::string, std::string> names = {{"prompt", "question"}};
  const std::string place = "f:7";
  const RecordFields fields(record, names, place);
  EXPECT_EQ(fields.text("prompt"), "q");
  EXPECT_EQ(fields.name("prompt"), "question");
  EXPECT_FALSE(fields.has("none"));
  EXPECT_EQ(fields.text_or("absent"), "");
  expect_error(ErrorCode::kCorruptFile, {"f:7: 'absent' is missing"}, [&] { fields.get("absent"); });
  expect_error(ErrorCode::kCorruptFile, {"f:7: 'n' should be a string, is number"},
               [&] { fields.text_or("n"); });
}

TEST(RecordFields, ValuesMayBeTextThatHoldsThem) {
  const Json record = {
      {"list", Json::array({1})}, {"text", "[1, {\"b\": 1, \"a\": 2}]"}, {"empty", " "}, {"bad", "[1"}};
  const std::map<std::string, std::string> names;
  const std::string place = "f:7";
  const RecordFields fields(record, names, place);
  EXPECT_EQ(fields.value_or_null("list").dump(), "[1]");
  EXPECT_EQ(fields.value_or_null("text").dump(), "[1,{\"b\":1,\"a\":2}]");
  EXPECT_TRUE(fields.value_or_null("empty").is_null());
  EXPECT_TRUE(fields.value_or_null("absent").is_null());
  expect_error(ErrorCode::kCorruptFile, {"f:7: 'bad': not valid JSON"}, [&] { fields.value_or_null("bad"); });
}

TEST(RecordFields, LookingIsNotAsking) {
  const Json record = {{"a", 1}, {"b", nullptr}};
  const std::map<std::string, std::string> names = {{"first", "a"}};
  const std::string place = "f:7";
  const RecordFields fields(record, names, place);
  EXPECT_TRUE(fields.holds("first"));
  EXPECT_FALSE(fields.holds("b"));
  DataReport report;
  fields.count_unused(report);
  EXPECT_EQ(report.total(Finding::kUnusedField), 1);
  expect_error(ErrorCode::kCorruptFile, {"f:7: 'list': a whole number of more than 64 bits"}, [&] {
    const Json text = {{"list", "[{\"n\": 100000000000000000000}]"}};
    RecordFields(text, names, place).value_or_null("list");
  });
}

TEST(RecordFields, WhatNobodyAskedForIsCounted) {
  const Json record = {{"a", 1}, {"b", 2}, {"c", ""}, {"d", nullptr}, {"e", Json::array()}, {"f", false}};
  const std::map<std::string, std::string> names = {{"first", "a"}};
  const std::string place = "f:7";
  const RecordFields fields(record, names, place);
  EXPECT_TRUE(fields.has("first"));
  DataReport report;
  fields.count_unused(report);
  EXPECT_EQ(report.total(Finding::kUnusedField), 2) << "b and f: the others are empty or were asked for";
}

}  // namespace
}  // namespace lq
