#include "data/example_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

class ExampleSetTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) /
                 fmt::format("lq_set_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    tokenizer_ =
        Tokenizer::load(fs::path(lq::test::source_dir()) / "tests" / "goldens" / "tokenizers" / "sp_bpe");
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }
  ExampleSet read(const std::vector<DataSource>& sources, const ExampleSetOptions& options) {
    NoProgress quiet;
    return read_examples(sources, *tokenizer_, options, quiet);
  }
  std::string pairs(int from, int count) {
    std::string out;
    for (int i = from; i < from + count; ++i)
      out += fmt::format("{{\"prompt\": \"q{} \", \"completion\": \"a\"}}\n", i);
    return out;
  }
  fs::path directory_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(ExampleSetTest, SeveralFilesWithWeights) {
  const fs::path a = write("a.jsonl", pairs(0, 3)), b = write("b.csv", "prompt,completion\nx,y\n");
  const ExampleSet set = read({{a, 1.0}, {b, 0.5}}, {});
  EXPECT_EQ(set.train.size(), 4u);
  EXPECT_EQ(set.weights, (std::vector<double>{1, 1, 1, 0.5}));
  EXPECT_GT(set.trained_tokens, 0);
  EXPECT_GT(set.tokens, set.trained_tokens);
}

TEST_F(ExampleSetTest, TheSplitIsTheSeeds) {
  const fs::path a = write("a.jsonl", pairs(0, 1000));
  const auto split = [&](std::uint64_t seed) {
    const ExampleSet set = read({{a}}, {.validation = 0.1, .seed = seed});
    EXPECT_EQ(set.train.size() + set.validation.size(), 1000u);
    // 1000 draws of probability 0.1: five standard deviations are 47.
    EXPECT_NEAR(static_cast<double>(set.validation.size()), 100, 48);
    return set.validation.front().ids;
  };
  EXPECT_EQ(split(1), split(1));
  EXPECT_NE(split(1), split(2));
}

TEST_F(ExampleSetTest, OneLongTextIsSplitByWindows) {
  std::string many;
  for (int i = 0; i < 4000; ++i) many += "word ";
  const ExampleSet set = read({{write("t.txt", many)}}, {.max_length = 8, .validation = 0.25});
  const auto all = static_cast<double>(set.train.size() + set.validation.size());
  // Five standard deviations.
  EXPECT_NEAR(static_cast<double>(set.validation.size()), all / 4, 5 * std::sqrt(all * 0.25 * 0.75));
}

TEST_F(ExampleSetTest, LongExamplesAreCutDroppedOrSplit) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "word ";
  const fs::path long_pair =
      write("a.jsonl", "{\"prompt\": \"p\", \"completion\": \"" + many + "\"}\n" + pairs(0, 1));
  EXPECT_EQ(read({{long_pair}}, {.max_length = 20}).truncated, 1);
  EXPECT_EQ(read({{long_pair}}, {.max_length = 20}).train.front().ids.size(), 20u);
  const ExampleSet dropped = read({{long_pair}}, {.max_length = 20, .drop_long = true});
  EXPECT_EQ(dropped.dropped, 1);
  EXPECT_EQ(dropped.train.size(), 1u);
  const ExampleSet windows = read({{write("t.txt", many)}}, {.max_length = 20});
  EXPECT_GT(windows.train.size(), 4u);
  EXPECT_EQ(windows.truncated, 0);
  // A prompt that fills the window leaves nothing to learn.
  EXPECT_THROW(
      read({{write("p.jsonl", "{\"prompt\": \"" + many + "\", \"completion\": \"a\"}")}}, {.max_length = 20}),
      Error);
}

TEST_F(ExampleSetTest, BadExamplesAreNamedOrCounted) {
  const fs::path a =
      write("a.jsonl", pairs(0, 1) + "{\"prompt\": 1, \"completion\": \"x\"}\nnot json\n" + pairs(1, 1));
  try {
    read({{a}}, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("a.jsonl:2: 'prompt' should be a string"), std::string::npos)
        << e.what();
  }
  ExampleSetOptions options;
  options.records.skip_bad = true;
  const ExampleSet set = read({{a}}, options);
  EXPECT_EQ(set.bad, 2);
  EXPECT_EQ(set.train.size(), 2u);
  EXPECT_THROW(read({{write("none.jsonl", "x\n")}}, options), Error);
}

TEST_F(ExampleSetTest, WhatIsLeftOutIsReportedOfTakenRecordsOnly) {
  const ChatTemplate chat = ChatTemplate::by_name("chatml", "", "");
  const std::string q = R"({"role":"user","content":"q"})";
  const fs::path a =
      write("a.jsonl", R"({"id":1,"messages":[)" + q + R"(,{"role":"assistant","content":"a","weight":0},)" +
                           q + R"(,{"role":"assistant","content":"b"}]})" + "\n" + R"({"id":2,"messages":[)" +
                           q + R"(,{"role":"assistant","content":"","weight":0}]})" + "\n" +
                           R"({"id":3,"messages":[)" + q + R"(]})" + "\n");
  ExampleSetOptions options;
  options.format.chat = &chat;
  options.records.skip_bad = true;
  const ExampleSet set = read({{a}}, options);
  EXPECT_EQ(set.train.size(), 1u);
  EXPECT_EQ(set.dropped, 1) << "nothing in the second counts";
  EXPECT_EQ(set.bad, 1) << "the third has no answer";
  EXPECT_EQ(set.report.total(Finding::kUnusedField), 2);
  EXPECT_EQ(set.report.total(Finding::kTurnNotTrained), 2);
}

TEST_F(ExampleSetTest, LinesThatAreNotUtf8AreReported) {
  const ExampleSet set = read({{write("a.txt", "one\ncaf\xE9 two\nthree\n")}}, {});
  EXPECT_EQ(set.report.total(Finding::kInvalidUtf8), 1);
  EXPECT_NE(set.report.lines().at(0).find("a.txt:2"), std::string::npos);
}

TEST(DataSource, PathAndWeight) {
  EXPECT_EQ(parse_source("a.jsonl").path, "a.jsonl");
  EXPECT_EQ(parse_source("a.jsonl:0.5").path, "a.jsonl");
  EXPECT_EQ(parse_source("a.jsonl:0.5").weight, 0.5);
  for (const char* bad : {"a:", "a:x", "a:-1", "a:0", "a:1e9", "a:nan"})
    EXPECT_THROW(parse_source(bad), Error) << bad;
}

}  // namespace
}  // namespace lq
