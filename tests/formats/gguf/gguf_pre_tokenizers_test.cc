#include "formats/gguf/gguf_pre_tokenizers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/io_test_util.h"
#include "tokenizers/gpt_splitter.h"
#include "tokenizers/pre_tokenizer.h"

namespace lq {
namespace {

using io_test::expect_error;

TEST(GgufPreTokenizers, EveryWayIsFoundByItsRules) {
  for (const char* name : {"default", "gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2", "qwen35", "gpt-4o",
                           "tekken", "deepseek-coder", "deepseek-v3", "bloom", "seed-coder", "bailingmoe",
                           "jais-2", "minicpm5", "ufakzeka"}) {
    const PreTokenizerName& way = gguf_pre_tokenizer(name, "f");
    EXPECT_EQ(name_of_pre_tokenizer(pre_tokenizer_json(way.words), way.whole_words, "f"), name);
  }
  EXPECT_EQ(gguf_pre_tokenizer("llama3", "f").words, BpeWords::kLlama3);
  expect_error(ErrorCode::kUnsupported, {"f: tokenizer.ggml.pre \"mine\" is not known", "smollm"},
               [] { (void)gguf_pre_tokenizer("mine", "f"); });
}

TEST(GgufPreTokenizers, WhatMakesNoDifferenceIsNotCompared) {
  nlohmann::ordered_json steps = pre_tokenizer_json(BpeWords::kQwen2);
  steps["pretokenizers"][1]["trim_offsets"] = false;
  EXPECT_EQ(name_of_pre_tokenizer(steps, false, "f"), "qwen2");
  const nlohmann::ordered_json by_rule = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", tokenizers::kGpt2Regex}}}, {"behavior", "Isolated"}},
        byte_level_json(false)}}};
  EXPECT_EQ(name_of_pre_tokenizer(by_rule, false, "f"), "gpt-2");
}

// Phi-4-mini's file: the words of GPT-4o are what is left when all between them is removed.
TEST(GgufPreTokenizers, WordsThatAreKeptAreWordsThatAreCutApart) {
  nlohmann::ordered_json steps = pre_tokenizer_json(BpeWords::kGpt4o);
  steps["pretokenizers"][0]["behavior"] = "Removed";
  steps["pretokenizers"][0]["invert"] = true;
  EXPECT_EQ(name_of_pre_tokenizer(steps, false, "f"), "gpt-4o");
  // Where there is something between the words it is lost: another thing.
  steps = pre_tokenizer_json(BpeWords::kBloom);
  steps["pretokenizers"][0]["behavior"] = "Removed";
  steps["pretokenizers"][0]["invert"] = true;
  expect_error(ErrorCode::kUnsupported, {"words are cut in a way"},
               [&] { (void)name_of_pre_tokenizer(steps, false, "f"); });
}

// A text where the ways differ, as the package tokenizers cuts it.
TEST(GgufPreTokenizers, WordsOfTheNewerWays) {
  const std::string text = "We'Ve helloWorld 12345\n\n -- a//\n  नमस्ते";
  const std::string last = "Ġà¤¨à¤®à¤¸à¥įà¤¤à¥ĩ";
  const auto words = [&](BpeWords way) {
    const auto made =
        tokenizers::make_pre_tokenizer(nlohmann::json::parse(pre_tokenizer_json(way).dump()), false, "f");
    tokenizers::WordList list;
    list.words.push_back({text, true});
    for (const auto& step : made.steps) step->apply(list);
    std::vector<std::string> out;
    for (const auto& word : list.words) out.emplace_back(word.text);
    return out;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words(BpeWords::kGpt4o),
            Words({"We'Ve", "Ġhello", "World", "Ġ", "123", "45", "ĊĊ", "Ġ--", "Ġa", "//Ċ", "Ġ", last}));
  EXPECT_EQ(words(BpeWords::kTekken), Words({"We", "'Ve", "Ġhello", "World", "Ġ", "1", "2", "3", "4", "5",
                                             "ĊĊ", "Ġ--", "Ġa", "//Ċ", "Ġ", last}));
  EXPECT_EQ(words(BpeWords::kQwen35), Words({"We", "'Ve", "ĠhelloWorld", "Ġ", "1", "2", "3", "4", "5", "ĊĊ",
                                             "Ġ--", "Ġa", "//Ċ", "Ġ", last}));
  EXPECT_EQ(words(BpeWords::kDeepSeek3),
            Words({"We", "'Ve", "ĠhelloWorld", "Ġ", "123", "45", "ĊĊ", "Ġ--", "Ġa", "//Ċ", "Ġ", last}));
  EXPECT_EQ(words(BpeWords::kBloom),
            Words({"We'Ve", "ĠhelloWorld", "Ġ12345", "ĊĊ", "Ġ--", "Ġa//", "ĊĠ", last}));
}

TEST(GgufPreTokenizers, OtherRulesAreRefused) {
  nlohmann::ordered_json steps = byte_level_json(true);
  steps["add_prefix_space"] = true;
  expect_error(ErrorCode::kUnsupported, {"t.json: words are cut in a way", "add_prefix_space"},
               [&] { (void)name_of_pre_tokenizer(steps, false, "t.json"); });
  steps = pre_tokenizer_json(BpeWords::kLlama3);
  steps["pretokenizers"][0]["behavior"] = "Removed";
  expect_error(ErrorCode::kUnsupported, {"words are cut in a way"},
               [&] { (void)name_of_pre_tokenizer(steps, true, "f"); });
  expect_error(ErrorCode::kUnsupported, {"ignore_merges"},
               [&] { (void)name_of_pre_tokenizer(byte_level_json(true), true, "f"); });
  expect_error(ErrorCode::kUnsupported, {}, [&] { (void)name_of_pre_tokenizer(nullptr, false, "f"); });
}

}  // namespace
}  // namespace lq
