#include "data/record_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

std::vector<Json> records_of(std::string_view bytes, const std::string& name,
                             const RecordOptions& options = {}) {
  std::vector<Json> records;
  const auto reader = RecordReader::from_memory(bytes, name, options);
  for (Json record; reader->next(record);) records.push_back(record);
  return records;
}

TEST(RecordReader, TheNameSaysTheKind) {
  const std::vector<Json> two = {{{"a", "1"}}, {{"a", "2"}}};
  EXPECT_EQ(records_of("{\"a\":\"1\"}\n\n{\"a\":\"2\"}\n", "t.jsonl"), two);
  EXPECT_EQ(records_of("{\"a\":\"1\"}\n{\"a\":\"2\"}", "t.ndjson"), two);
  EXPECT_EQ(records_of("[{\"a\":\"1\"}, {\"a\":\"2\"}]", "t.json"), two);
  EXPECT_EQ(records_of("{\"a\":\"1\"}\n{\"a\":\"2\"}", "t.json"), two);
  EXPECT_EQ(records_of("a\n1\n2\n", "t.csv"), two);
  EXPECT_EQ(records_of("a\tb\n1\t2\n", "t.tsv"), (std::vector<Json>{{{"a", "1"}, {"b", "2"}}}));
  EXPECT_EQ(records_of("a\nb\n", "t.txt"), (std::vector<Json>{{{"text", "a\nb\n"}}}));
  EXPECT_EQ(records_of("{\"a\":\"1\"}\n{\"a\":\"2\"}", "t.jsonlines"), two);
  EXPECT_EQ(records_of("{\n\"a\":\"1\"}\n{\n\"a\":\"2\"}", "t.json"), two);
  // Without an ending that says it, the content does.
  EXPECT_EQ(records_of("{\"a\":\"1\"}\n{\"a\":\"2\"}", "data"), two);
  EXPECT_EQ(records_of("[{\"a\":\"1\"},{\"a\":\"2\"}]", "dump.2024"), two);
  EXPECT_EQ(records_of("{a} b", "t.log"), (std::vector<Json>{{{"text", "{a} b"}}}));
}

TEST(RecordReader, KeysKeepTheirOrder) {
  EXPECT_EQ(records_of(R"({"z":{"y":1,"b":2},"a":3})", "t.jsonl")[0].dump(), R"({"z":{"y":1,"b":2},"a":3})");
}

TEST(RecordReader, WhatIsNotTextIsRefusedAndWhatIsOddIsCounted) {
  using namespace std::string_view_literals;
  for (const char* name : {"t.parquet", "t.jsonl", "t.csv", "t.txt", "t"}) {
    expect_error(ErrorCode::kUnsupported, {name, "a Parquet file"}, [&] { records_of("PAR1\0\1"sv, name); });
  }
  DataReport report;
  const RecordOptions options{.skip_bad = false, .on_bad = {}, .report = &report};
  records_of("a\xE9\nb\n\xFF\n", "t.txt", options);
  records_of("a\ncaf\xE9\nb\n", "t.csv", options);
  EXPECT_EQ(report.total(Finding::kInvalidUtf8), 3);
  records_of("{\"a\": 1}\n", "u.txt", options);
  EXPECT_EQ(report.total(Finding::kTextLikeJson), 1);
}

TEST(RecordReader, BadRecordsEndItOrAreCounted) {
  const std::string bytes = "{\"a\":1}\nnonsense\n[1]\n{\"a\":2}\n";
  expect_error(ErrorCode::kCorruptFile, {"t.jsonl:2"}, [&] { records_of(bytes, "t.jsonl"); });
  RecordOptions options;
  options.skip_bad = true;
  std::vector<std::string> said;
  options.on_bad = [&](const std::string& what) { said.push_back(what); };
  const auto reader = RecordReader::from_memory(bytes, "t.jsonl", options);
  Json record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(reader->line(), 1);
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(record, (Json{{"a", 2}}));
  EXPECT_EQ(reader->place(), "t.jsonl:4");
  EXPECT_FALSE(reader->next(record));
  EXPECT_EQ(reader->bad(), 2);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[1].find("t.jsonl:3"), std::string::npos);
}

}  // namespace
}  // namespace lq
