#include "data/encode_example.h"
#include "support/paths.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lq {
namespace {

class EncodeExample : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::load(std::filesystem::path(lq::test::source_dir()) /
                                                          "tests" / "goldens" / "tokenizers" / "sp_bpe");
  // The ids that count for the loss, as text.
  std::string learnt(const EncodedExample& e) const {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < e.ids.size(); ++i) {
      if (e.in_loss[i] != 0) ids.push_back(e.ids[i]);
    }
    std::string out;
    for (const auto id : ids) out += tokenizer_->piece(id);
    return out;
  }
};

TEST_F(EncodeExample, OnlyResponsesCount) {
  const Example example{"the ferry left and came back", {{10, 14}, {19, 28}}, false};
  const EncodedExample e = encode_example(*tokenizer_, example, {});
  ASSERT_EQ(e.ids.size(), e.in_loss.size());
  auto whole = tokenizer_->encode("the ferry left and came back", true);
  whole.push_back(*tokenizer_->eos_id());
  EXPECT_EQ(e.ids, whole) << "the ids are those of the whole text";
  const std::string text = learnt(e);
  EXPECT_NE(text.find("left"), std::string::npos) << text;
  EXPECT_NE(text.find("back</s>"), std::string::npos) << text;
  EXPECT_EQ(text.find("ferry"), std::string::npos) << text;
  EXPECT_EQ(text.find("and"), std::string::npos) << text;
  EXPECT_EQ(e.in_loss.front(), 0);
  EXPECT_EQ(encode_example(*tokenizer_, example, {.train_on_all = true}).trained_tokens(),
            std::ssize(e.ids) - 1);
  EXPECT_EQ(encode_example(*tokenizer_, example, {.add_eos = false}).ids.size() + 1, e.ids.size());
}

TEST_F(EncodeExample, TemplatesBringTheirOwnMarks) {
  const ChatTemplate chat = ChatTemplate::by_name("llama-2", *tokenizer_);
  const auto record = nlohmann::ordered_json::parse(
      R"({"messages":[{"role":"user","content":"the clock"},{"role":"assistant","content":"is late"},)"
      R"({"role":"user","content":"why"},{"role":"assistant","content":"weather"}]})");
  DataReport report;
  const Example example = ExampleMaker({.chat = &chat}).make(record, "f:1", report);
  const EncodedExample e = encode_example(*tokenizer_, example, {});
  EXPECT_EQ(std::count(e.ids.begin(), e.ids.end(), *tokenizer_->bos_id()), 2);
  EXPECT_EQ(std::count(e.ids.begin(), e.ids.end(), *tokenizer_->eos_id()), 2);
  for (std::size_t i = 0; i < e.ids.size(); ++i) {
    const bool ends = e.ids[i] == *tokenizer_->eos_id();
    const bool begins = e.ids[i] == *tokenizer_->bos_id();
    EXPECT_TRUE(!ends || e.in_loss[i] == 1) << "the model learns to stop";
    EXPECT_TRUE(!begins || e.in_loss[i] == 0);
  }
  const std::string text = learnt(e);
  EXPECT_EQ(text.find("INST"), std::string::npos) << text;
  EXPECT_NE(text.find("late"), std::string::npos) << text;
}

TEST_F(EncodeExample, WhatAFlagTakesOutNeverCounts) {
  const ChatTemplate chat = ChatTemplate::by_name("llama-2", *tokenizer_);
  const auto record = nlohmann::ordered_json::parse(
      R"({"messages":[{"role":"user","content":"the clock"},{"role":"assistant","content":"is late","weight":0},)"
      R"({"role":"user","content":"why"},{"role":"assistant","content":"weather"}],"system":"ferry"})");
  DataReport report;
  const Example example = ExampleMaker({.chat = &chat}).make(record, "f:1", report);
  const std::string text = learnt(encode_example(*tokenizer_, example, {.train_on_all = true}));
  for (const char* part : {"ferry", "clock", "why", "weather"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find("late"), std::string::npos) << text;
}

// As the post-processor of the tokenizer's file has it, beside the end-of-text token.
TEST(EncodeExampleMarks, WhatTheTokenizerWritesAroundATextStandsThere) {
  const auto tokenizer = Tokenizer::load(std::filesystem::path(lq::test::source_dir()) / "tests" / "goldens" /
                                         "tokenizers" / "wordpiece");
  const std::vector<std::int32_t> all = tokenizer->encode("hello", true),
                                  bare = tokenizer->encode("hello", false);
  ASSERT_EQ(all.size(), bare.size() + 2);
  ASSERT_FALSE(tokenizer->special().eos && *tokenizer->special().eos == all.back());
  const Example example{"hello", {{0, 5}}, false};
  EncodedExample e = encode_example(*tokenizer, example, {});
  if (tokenizer->special().eos) e.ids.erase(e.ids.end() - 2);
  EXPECT_EQ(e.ids, all);
  EXPECT_EQ(e.in_loss.front(), 0);
  EXPECT_EQ(e.in_loss.back(), 1);
  EXPECT_EQ(encode_example(*tokenizer, example, {.add_eos = false}).ids.size(), bare.size() + 1);
}

TEST(EncodeExampleMarks, ThoseThatATextHasAreNotDoubled) {
  const auto tokenizer = Tokenizer::load(std::filesystem::path(lq::test::source_dir()) / "tests" / "goldens" /
                                         "tokenizers" / "bpe_roberta");
  const auto ids = [&](const std::string& text) {
    return encode_example(*tokenizer, {text, {{0, text.size()}}, false}, {}).ids;
  };
  EXPECT_EQ(ids("<s>hello</s>"), ids("hello"));
  EXPECT_EQ(ids("hello"), tokenizer->encode("hello", true));
}

TEST_F(EncodeExample, WindowsAndTruncation) {
  EncodedExample e{{1, 2, 3, 4, 5}, {0, 1, 1, 0, 1}};
  const auto windows = cut_windows(e, 2);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[1].ids, (std::vector<std::int32_t>{3, 4}));
  EXPECT_EQ(windows[2].in_loss, (std::vector<std::uint8_t>{1}));
  EXPECT_EQ(e.trained_tokens(), 3);
  EXPECT_TRUE(truncate(e, 4));
  EXPECT_FALSE(truncate(e, 4));
  EXPECT_EQ(e.ids.size(), 4u);
  EXPECT_EQ(e.trained_tokens(), 2);
}

}  // namespace
}  // namespace lq
