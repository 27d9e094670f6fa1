#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/gguf/gguf_tokenizer.h"
#include "formats/gguf/gguf_writer.h"

namespace lq {
namespace {

// The JSON of two tokens under a pre-tokenizer's name; "" for none.
nlohmann::json bpe_json(const std::string& pre, const std::function<void(GgufTokens&)>& change = {}) {
  GgufKeys keys;
  if (!pre.empty()) keys.text("tokenizer.ggml.pre", pre);
  keys.texts("tokenizer.ggml.merges", {"a b"});
  GgufHeader layout;
  const std::string file = make_gguf_header(keys, {}, layout);
  const GgufHeader header = parse_gguf(reinterpret_cast<const std::byte*>(file.data()), file.size(), "f");
  GgufTokens tokens;
  tokens.texts = {"a", "\"\\\n"};
  tokens.types.assign(2, GgufTokenType::kNormal);
  if (change) change(tokens);
  return nlohmann::json::parse(gguf_bpe_json(tokens, GgufMetadata(header.values, "f")));
}

TEST(GgufBpe, EachNameCutsWordsInItsWay) {
  EXPECT_EQ(bpe_json("gpt-2")["pre_tokenizer"]["use_regex"], true);
  EXPECT_EQ(bpe_json("smollm")["pre_tokenizer"]["pretokenizers"][0]["type"], "Digits");
  EXPECT_EQ(bpe_json("")["pre_tokenizer"]["pretokenizers"].size(), 5U);
  EXPECT_EQ(bpe_json("")["pre_tokenizer"], bpe_json("default")["pre_tokenizer"]);
  EXPECT_EQ(bpe_json("qwen2")["normalizer"]["type"], "NFC");
  EXPECT_EQ(bpe_json("llama-bpe")["model"]["ignore_merges"], true);
  EXPECT_EQ(bpe_json("dbrx")["model"]["ignore_merges"], false);
  EXPECT_NE(bpe_json("qwen2")["pre_tokenizer"], bpe_json("llama-bpe")["pre_tokenizer"]);
}

TEST(GgufBpe, TokensAreQuotedAndBosComesFirst) {
  const auto json = bpe_json("gpt-2", [](GgufTokens& tokens) {
    tokens.add_bos = true;
    tokens.bos = 1;
    tokens.unk = 0;
  });
  EXPECT_EQ(json["model"]["vocab"]["\"\\\n"], 1);
  EXPECT_EQ(json["model"]["unk_token"], "a");
  const auto& single = json["post_processor"]["single"];
  ASSERT_EQ(single.size(), 2U);
  EXPECT_EQ(single[0]["SpecialToken"]["id"], "\"\\\n");
  EXPECT_EQ(json["post_processor"]["special_tokens"]["\"\\\n"]["ids"][0], 1);
  EXPECT_EQ(json["post_processor"]["pair"].size(), 4U);
}

}  // namespace
}  // namespace lq
