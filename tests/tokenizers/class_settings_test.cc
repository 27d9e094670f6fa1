#include "tokenizers/class_settings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lq::tokenizers {
namespace {

TokenizerConfig settings_for(const std::string& name) {
  TokenizerConfig config;
  config.tokenizer_class = name;
  return config;
}

nlohmann::json with_settings(const std::string& root, const TokenizerConfig& config) {
  nlohmann::json json = nlohmann::json::parse(root);
  apply_class_settings(json, config);
  return json;
}

// A file with all parts that LlamaTokenizer builds itself.
const std::string kLlamaFile = R"({
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "_"}, {"type": "NFC"}]},
    "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "odd"},
    "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "start": 1}]},
    "model": {"type": "BPE", "unk_token": "<unk>"}})";

TEST(ClassSettings, ByteLevelClassesSetThePrefixSpace) {
  const std::string file = R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Digits"}, {"type": "ByteLevel", "add_prefix_space": true}]}})";
  for (const char* name : {"GPT2Tokenizer", "Qwen2Tokenizer", "RobertaTokenizer", "BartTokenizer"}) {
    TokenizerConfig config = settings_for(name);
    const auto step = [&] { return with_settings(file, config)["pre_tokenizer"]["pretokenizers"][1]; };
    EXPECT_EQ(step()["add_prefix_space"], false) << name << ": by default";
    config.add_prefix_space = true;
    EXPECT_EQ(step()["add_prefix_space"], true) << name;
  }
  EXPECT_EQ(with_settings(file, settings_for("GPT2Tokenizer"))["pre_tokenizer"]["pretokenizers"][0],
            nlohmann::json::parse(R"({"type": "Digits"})"));
}

TEST(ClassSettings, OtherClassesTakeTheFileAsItIs) {
  const std::string file = R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true}})";
  TokenizerConfig config = settings_for("PreTrainedTokenizer");
  config.add_prefix_space = false;
  for (const char* name : {"", "PreTrainedTokenizer", "LlamaTokenizer", "CLIPTokenizer"}) {
    config.tokenizer_class = name;
    EXPECT_EQ(with_settings(file, config), nlohmann::json::parse(file)) << name;
  }
  config.tokenizer_class = "GPT2Tokenizer";
  config.model_type = "mistral";
  EXPECT_EQ(with_settings(file, config), nlohmann::json::parse(file)) << "beside a mistral model";
  config.model_type = "gpt2";
  EXPECT_NE(with_settings(file, config), nlohmann::json::parse(file));
  EXPECT_EQ(with_settings(kLlamaFile, settings_for("GPT2Tokenizer")), nlohmann::json::parse(kLlamaFile))
      << "no ByteLevel in it";
}

TEST(ClassSettings, BertTakesWhatTheConfigSays) {
  const std::string file = R"({"normalizer": {"type": "BertNormalizer", "lowercase": true}})";
  TokenizerConfig config = settings_for("BertTokenizer");
  EXPECT_EQ(with_settings(file, config)["normalizer"], nlohmann::json::parse(file)["normalizer"]);
  config.lower_case = false;
  config.strip_accents = true;
  const nlohmann::json want = {{"type", "BertNormalizer"}, {"lowercase", false}, {"strip_accents", true}};
  EXPECT_EQ(with_settings(file, config)["normalizer"], want);
  config.tokenizer_class = "DistilBertTokenizer";
  EXPECT_EQ(with_settings(file, config)["normalizer"], want);
  config.tokenizer_class = "";
  EXPECT_EQ(with_settings(file, config)["normalizer"]["lowercase"], true) << "of no known class";
  config.model_type = "bert";
  EXPECT_EQ(with_settings(file, config)["normalizer"], want);
}

TEST(ClassSettings, LlamaWithAPrefix) {
  TokenizerConfig config = settings_for("LlamaTokenizer");
  nlohmann::json root = with_settings(kLlamaFile, config);
  EXPECT_EQ(root["pre_tokenizer"]["prepend_scheme"], "first");
  EXPECT_EQ(root["normalizer"], nlohmann::json::parse(kLlamaFile)["normalizer"]);
  EXPECT_EQ(root["decoder"], nlohmann::json::parse(kLlamaFile)["decoder"]);
  config.legacy = true;
  EXPECT_EQ(with_settings(kLlamaFile, config)["pre_tokenizer"]["prepend_scheme"], "always");
}

TEST(ClassSettings, LlamaWithoutAPrefixDropsWhatMakesAndTakesIt) {
  TokenizerConfig config = settings_for("LlamaTokenizer");
  config.add_prefix_space = false;
  config.legacy = true;
  const nlohmann::json root = with_settings(kLlamaFile, config);
  EXPECT_EQ(root["pre_tokenizer"]["prepend_scheme"], "never");
  EXPECT_EQ(root["normalizer"]["normalizers"], nlohmann::json::parse(R"([{"type": "NFC"}])"));
  EXPECT_EQ(root["decoder"]["decoders"], nlohmann::json::parse(R"([{"type": "Fuse"}])"));
  const nlohmann::json alone =
      with_settings(R"({"normalizer": {"type": "Prepend", "prepend": "_"}})", config);
  EXPECT_TRUE(alone["normalizer"].is_null());
}

TEST(ClassSettings, LlamasDecoderTakesThePrefixOff) {
  const std::string file = R"({"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]}})";
  const nlohmann::json root = with_settings(file, settings_for("LlamaTokenizer"));
  EXPECT_EQ(root["decoder"]["decoders"],
            nlohmann::json::parse(
                R"([{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}])"));
  const nlohmann::json marked =
      with_settings(R"({"decoder": {"type": "Metaspace"}})", settings_for("LlamaTokenizer"));
  EXPECT_EQ(marked["decoder"], nlohmann::json::parse(R"({"type": "Metaspace", "prepend_scheme": "first"})"));
}

TEST(ClassSettings, LlamasBpeHasBytesAndNoUnknownToken) {
  const nlohmann::json bpe = with_settings(kLlamaFile, settings_for("LlamaTokenizer"))["model"];
  EXPECT_TRUE(bpe["unk_token"].is_null());
  EXPECT_EQ(bpe["byte_fallback"], true);
  const std::string unigram = R"({"model": {"type": "Unigram", "unk_id": 0}})";
  EXPECT_EQ(with_settings(unigram, settings_for("LlamaTokenizer"))["model"],
            nlohmann::json::parse(unigram)["model"]);
}

TEST(ClassSettings, WhatIsNoObjectIsLeftToTheReader) {
  EXPECT_EQ(with_settings("[1]", settings_for("LlamaTokenizer")), nlohmann::json::parse("[1]"));
  const nlohmann::json odd =
      with_settings(R"({"pre_tokenizer": "x", "normalizer": 5, "decoder": [], "model": 7})",
                    settings_for("LlamaTokenizer"));
  EXPECT_EQ(odd["pre_tokenizer"], "x");
  EXPECT_EQ(odd["model"], 7);
}

}  // namespace
}  // namespace lq::tokenizers
