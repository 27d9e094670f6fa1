#include "formats/gguf/gguf_word_piece.h"

#include <gtest/gtest.h>

#include "formats/gguf/gguf_vocabulary.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

using io_test::expect_error;

const std::filesystem::path kWordPieces =
    std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "tokenizers" / "wordpiece";

struct ReadKeys {
  explicit ReadKeys(const GgufKeys& keys)
      : bytes(make_gguf_header(keys, {}, layout)),
        header(parse_gguf(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), "[gguf] f")),
        keys(header.values, "[gguf] f") {}
  GgufHeader layout;
  std::string bytes;
  GgufHeader header;
  GgufMetadata keys;
};

TEST(GgufWordPiece, ATokenizerThatIsWrittenReadsTextsTheSameAgain) {
  GgufKeys keys;
  add_gguf_tokenizer(Folder(kWordPieces), {nlohmann::ordered_json::object(), "config.json"}, {.rows = 340},
                     keys);
  const ReadKeys read(keys);
  EXPECT_EQ(read.keys.text("tokenizer.ggml.model"), "bert");
  EXPECT_EQ(read.keys.integer("tokenizer.ggml.bos_token_id", 0, 999), 2);
  EXPECT_EQ(read.keys.integer("tokenizer.ggml.seperator_token_id", 0, 999), 3);
  EXPECT_EQ(read.keys.integer("tokenizer.ggml.unknown_token_id", 0, 999), 1);
  EXPECT_TRUE(read.keys.boolean_or("tokenizer.ggml.normalizer.lowercase", false));
  const auto texts = gguf_side_texts(read.keys);
  EXPECT_FALSE(texts.contains("generation_config.json"));
  const auto again = Tokenizer::load(Folder("again", texts));
  const auto first = Tokenizer::load(Folder(kWordPieces));
  for (const char* text : {"The Quick brown fox, unbelievably!", "na\u00efve caf\u00e9 \u4e2d\u6587",
                           "[MASK] it is [SEP]", "  tabs\tand\nlines ", ""}) {
    EXPECT_EQ(again->encode(text, true), first->encode(text, true)) << text;
  }
  EXPECT_EQ(again->decode(first->encode("the quick fox", false), true),
            first->decode(first->encode("the quick fox", false), true));
}

TEST(GgufWordPiece, TheFilesBesideTokenizerJsonSayWhatBecomesOfLetters) {
  const io_test::TempDir dir;
  std::filesystem::copy_file(kWordPieces / "tokenizer.json", dir / "tokenizer.json");
  const auto written = [&](const char* config) {
    io_test::put_file(dir / "tokenizer_config.json", config);
    GgufKeys keys;
    add_gguf_tokenizer(dir.path(), {nlohmann::ordered_json::object(), "config.json"}, {.rows = 340}, keys);
    return keys;
  };
  for (const char* config :
       {R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "strip_accents": false})",
        R"({"tokenizer_class": "BertTokenizer", "strip_accents": false})"}) {
    const ReadKeys read(written(config));
    const auto first = Tokenizer::load(dir.path());
    const auto again = Tokenizer::load(Folder("again", gguf_side_texts(read.keys)));
    for (const char* text : {"The Quick", "na\u00efve Caf\u00e9"}) {
      EXPECT_EQ(again->encode(text, true), first->encode(text, true)) << config << ": " << text;
    }
  }
  expect_error(ErrorCode::kUnsupported, {"tokenizer.json", "handle_chinese_chars\":false"},
               [&] { written(R"({"tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": false})"); });
}

TEST(GgufWordPiece, PiecesThatBeginAWordAreMarked) {
  EXPECT_EQ(gguf_piece_of("##ing"), "ing");
  EXPECT_EQ(gguf_piece_of("the"), "\u2581the");
  EXPECT_EQ(gguf_piece_of("#"), "\u2581#");
}

GgufTokens three_tokens() {
  GgufTokens tokens;
  tokens.texts = {"[UNK]",
                  "[CLS]",
                  "[SEP]",
                  "\u2581"
                  "a",
                  "a",
                  "[unused0]"};
  tokens.types.assign(6, GgufTokenType::kNormal);
  for (const std::size_t id : {0U, 1U, 2U}) tokens.types[id] = GgufTokenType::kControl;
  tokens.unk = 0, tokens.bos = 1, tokens.eos = 2;
  return tokens;
}

TEST(GgufWordPiece, LettersAndAccentsAreSaid) {
  GgufKeys keys;
  keys.flag("tokenizer.ggml.normalizer.lowercase", false);
  keys.flag("tokenizer.ggml.normalizer.strip_accents", true);
  const ReadKeys read(keys);
  const GgufWordPiece made = gguf_word_piece(three_tokens(), read.keys);
  const auto json = nlohmann::ordered_json::parse(made.tokenizer);
  EXPECT_EQ(json["normalizer"]["lowercase"], false);
  EXPECT_EQ(json["normalizer"]["strip_accents"], true);
  EXPECT_EQ(json["model"]["vocab"].dump(), R"({"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##a":4,"[unused0]":5})");
  const WordPieceLetters letters = word_piece_letters(json, "f");
  EXPECT_FALSE(letters.lowercase);
  EXPECT_TRUE(letters.strip_accents);
}

TEST(GgufWordPiece, WhatIsOtherwiseIsRefused) {
  GgufKeys open;
  open.flag("tokenizer.ggml.add_bos_token", false);
  const ReadKeys without_cls(open);
  expect_error(ErrorCode::kUnsupported, {"add_bos_token is false"},
               [&] { (void)gguf_word_piece(three_tokens(), without_cls.keys); });
  const ReadKeys none{GgufKeys()};
  GgufTokens tokens = three_tokens();
  tokens.unk = -1;
  expect_error(ErrorCode::kNotFound, {"unknown_token_id"}, [&] { (void)gguf_word_piece(tokens, none.keys); });
  tokens = three_tokens();
  tokens.texts[5] = "a";
  expect_error(ErrorCode::kCorruptFile, {"'##a' twice"}, [&] { (void)gguf_word_piece(tokens, none.keys); });

  auto json = nlohmann::ordered_json::parse(gguf_word_piece(three_tokens(), none.keys).tokenizer);
  json["normalizer"]["clean_text"] = false;
  expect_error(ErrorCode::kUnsupported, {"t.json", "BertNormalizer"},
               [&] { (void)word_piece_letters(json, "t.json"); });
  json["normalizer"]["clean_text"] = true;
  json["model"]["continuing_subword_prefix"] = "@@";
  expect_error(ErrorCode::kUnsupported, {"\"@@\""}, [&] { (void)word_piece_letters(json, "t.json"); });
}

}  // namespace
}  // namespace lq
