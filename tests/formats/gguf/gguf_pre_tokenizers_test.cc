#include "formats/gguf/gguf_pre_tokenizers.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/gpt_splitter.h"

namespace lq {
namespace {

using io_test::expect_error;

TEST(GgufPreTokenizers, EveryWayIsFoundByItsRules) {
  for (const char* name : {"default", "gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2"}) {
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
