#include "formats/gguf/gguf_tokenizer.h"

#include <gtest/gtest.h>

#include <functional>

#include "files/folder.h"
#include "files/json_file.h"
#include "formats/gguf/gguf_writer.h"
#include "formats/model_folder.h"
#include "support/io_test_util.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

using io_test::expect_error;

const std::filesystem::path kFolder =
    std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf";

// Texts as the files of a model directory, of keys that are made here.
std::map<std::string, std::string> texts_of(const GgufKeys& keys) {
  GgufHeader layout;
  const std::string file = make_gguf_header(keys, {}, layout);
  const GgufHeader header =
      parse_gguf(reinterpret_cast<const std::byte*>(file.data()), file.size(), "[gguf] f");
  return gguf_side_texts(GgufMetadata(header.values, "[gguf] f"));
}

GgufKeys usual_keys() {
  GgufKeys keys;
  keys.text("tokenizer.ggml.model", "gpt2");
  keys.texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<|im_end|>", "<x>", "[PAD5]"});
  keys.i32s("tokenizer.ggml.token_type", {1, 1, 1, 3, 4, 5});
  keys.texts("tokenizer.ggml.merges", {"a b"});
  return keys;
}

TEST(GgufTokenizer, IdsAreThoseOfTokenizersAndSentencePiece) {
  const nlohmann::json cases = read_json(kFolder / "tokenizers.json");
  ASSERT_EQ(cases.size(), 5U);
  for (const auto& golden : cases) {
    const std::string file = golden["file"];
    const auto tokenizer = Tokenizer::load(model_folder(kFolder / file));
    EXPECT_GE(golden["texts"].size(), 20U) << file;
    for (const auto& c : golden["texts"]) {
      const auto text = c["text"].get<std::string>();
      const auto ids = c["ids"].get<std::vector<std::int32_t>>();
      EXPECT_EQ(tokenizer->encode(text, false), ids) << file << ": " << text;
      EXPECT_EQ(tokenizer->encode(text, true), c["special"].get<std::vector<std::int32_t>>())
          << file << ": " << text;
    }
  }
}

TEST(GgufTokenizer, ByteLevelBpeBecomesTokenizerJson) {
  GgufKeys keys = usual_keys();
  keys.text("tokenizer.ggml.pre", "gpt-2");
  keys.u32("tokenizer.ggml.eos_token_id", 0);
  keys.u32("tokenizer.ggml.eot_token_id", 1);
  keys.text("tokenizer.chat_template", "{{ messages }}");
  keys.text("tokenizer.chat_template.tool_use", "{{ tools }}");
  const auto texts = texts_of(keys);
  ASSERT_EQ(texts.size(), 3U);
  const auto json = nlohmann::json::parse(texts.at("tokenizer.json"));
  EXPECT_EQ(json["model"]["vocab"]["<x>"], 4);
  EXPECT_FALSE(json["model"]["vocab"].contains("[PAD5]"));  // fills the table only
  ASSERT_EQ(json["added_tokens"].size(), 3U);               // a, which is eos; <|im_end|>; <x>
  EXPECT_EQ(json["added_tokens"][1]["special"], true);
  EXPECT_EQ(json["added_tokens"][2]["special"], false);
  const auto config = nlohmann::json::parse(texts.at("tokenizer_config.json"));
  EXPECT_EQ(config["eos_token"], "a");
  EXPECT_EQ(config["chat_template"][1]["name"], "tool_use");
  const auto generation = nlohmann::json::parse(texts.at("generation_config.json"));
  EXPECT_EQ(generation["eos_token_id"], (std::vector<int>{0, 1, 3}));  // <|im_end|> ends a turn, too
}

// The format has no field for it: llama.cpp goes by the model's name, and leaves three tokens out.
TEST(GgufTokenizer, TokensOfPhi3TakeTheSpaceBehindThem) {
  const auto strips = [](const std::string& name) {
    GgufKeys keys;
    keys.text("general.name", name);
    keys.text("tokenizer.ggml.model", "gpt2");
    keys.texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<|endoftext|>", "<|im_end|>", "<x>"});
    keys.i32s("tokenizer.ggml.token_type", {1, 1, 1, 3, 3, 4});
    keys.texts("tokenizer.ggml.merges", {"a b"});
    keys.text("tokenizer.ggml.pre", "gpt-2");
    std::vector<bool> out;
    const auto json = nlohmann::json::parse(texts_of(keys).at("tokenizer.json"));
    for (const auto& token : json["added_tokens"]) out.push_back(token["rstrip"]);
    return out;
  };
  EXPECT_EQ(strips("Phi-3 Mini"), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(strips("my.PHI3.f16"), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(strips("Phi 4 Mini"), (std::vector<bool>{false, false, false}));
}

TEST(GgufTokenizer, WhatIsNotUnderstoodIsRefusedByName) {
  EXPECT_TRUE(texts_of({}).empty());
  const auto refused = [](ErrorCode code, std::initializer_list<std::string_view> words,
                          const std::function<void(GgufKeys&)>& more) {
    GgufKeys keys = usual_keys();
    more(keys);
    expect_error(code, words, [&] { texts_of(keys); });
  };
  refused(ErrorCode::kUnsupported, {"[gguf] f", "tokenizer.ggml.pre \"mine\"", "llama-bpe"},
          [](GgufKeys& keys) { keys.text("tokenizer.ggml.pre", "mine"); });
  refused(ErrorCode::kUnsupported, {"tokenizer.ggml.lowercase"},
          [](GgufKeys& keys) { keys.flag("tokenizer.ggml.lowercase", true); });
  refused(ErrorCode::kUnsupported, {"add_sep_token is true"},
          [](GgufKeys& keys) { keys.flag("tokenizer.ggml.add_sep_token", true); });
  refused(ErrorCode::kCorruptFile, {"tokenizer.ggml.bos_token_id is 6"},
          [](GgufKeys& keys) { keys.u32("tokenizer.ggml.bos_token_id", 6); });
  GgufKeys other;
  other.text("tokenizer.ggml.model", "t5");
  expect_error(ErrorCode::kUnsupported, {"tokenizer.ggml.model \"t5\"", "gpt2"}, [&] { texts_of(other); });
}

// Gemma's files have it as a control token.
TEST(GgufTokenizer, TheUnknownPieceIsTheOneThatIsNamed) {
  GgufKeys keys;
  keys.text("tokenizer.ggml.model", "llama");
  keys.texts("tokenizer.ggml.tokens", {"<pad>", "<unk>", "a"});
  keys.f32s("tokenizer.ggml.scores", {0.0F, 0.0F, -1.0F});
  keys.i32s("tokenizer.ggml.token_type", {3, 3, 1});
  keys.u32("tokenizer.ggml.unknown_token_id", 1);
  keys.flag("tokenizer.ggml.add_sep_token", false);
  const auto pieces = tokenizers::read_sentencepiece(texts_of(keys).at("tokenizer.model"), "f");
  EXPECT_EQ(static_cast<int>(pieces.pieces[0].type), static_cast<int>(GgufTokenType::kControl));
  EXPECT_EQ(static_cast<int>(pieces.pieces[1].type), static_cast<int>(GgufTokenType::kUnknown));
  EXPECT_EQ(pieces.unk_id, 1);
}

TEST(GgufTokenizer, ListsMustFitEachOther) {
  GgufKeys keys;
  keys.text("tokenizer.ggml.model", "gpt2");
  expect_error(ErrorCode::kNotFound, {"tokenizer.ggml.tokens"}, [&] { texts_of(keys); });
  keys.texts("tokenizer.ggml.tokens", {"a", "a"});
  GgufKeys merges = keys;
  expect_error(ErrorCode::kNotFound, {"tokenizer.ggml.merges"}, [&] { texts_of(keys); });
  merges.texts("tokenizer.ggml.merges", {"a a"});
  expect_error(ErrorCode::kCorruptFile, {"has 'a' twice"}, [&] { texts_of(merges); });
  keys.i32s("tokenizer.ggml.token_type", {1});
  expect_error(ErrorCode::kCorruptFile, {"token_type has 1 entries for 2"}, [&] { texts_of(keys); });
  GgufKeys type;
  type.text("tokenizer.ggml.model", "llama");
  type.texts("tokenizer.ggml.tokens", {"\xff"});
  expect_error(ErrorCode::kCorruptFile, {"tokenizer.ggml.tokens: text 0 is not UTF-8"},
               [&] { texts_of(type); });
  GgufKeys bad;
  bad.text("tokenizer.ggml.model", "llama");
  bad.texts("tokenizer.ggml.tokens", {"a"});
  bad.i32s("tokenizer.ggml.token_type", {7});
  expect_error(ErrorCode::kCorruptFile, {"token_type: 7 at 0"}, [&] { texts_of(bad); });
}

}  // namespace
}  // namespace lq
