#include "data/record_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;
using Json = nlohmann::json;

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

TEST(RecordReader, FoldersAreReadInTheOrderOfTheirPaths) {
  const TempDir dir;
  for (const char* name : {"b.txt", "a/z.jsonl", "a/c.csv.gz", "notes.md", "model.safetensors"})
    put_file(dir / name, "x");
  const auto files = data_files(dir.path());
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0], dir / "a/c.csv.gz");
  EXPECT_EQ(files[1], dir / "a/z.jsonl");
  EXPECT_EQ(files[2], dir / "b.txt");
  EXPECT_EQ(data_files(dir / "notes.md"), std::vector{dir / "notes.md"});
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { data_files(dir / "none"); });
}

}  // namespace
}  // namespace lq
