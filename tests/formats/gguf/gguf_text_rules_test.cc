#include "formats/gguf/gguf_text_rules.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::json;

const Json kBytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
const Json kPrepend = {{"type", "Prepend"}, {"prepend", "\u2581"}};
const Json kShow = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};

Json in_sequence(const char* list, const std::vector<Json>& steps) {
  return {{"type", "Sequence"}, {list, steps}};
}

Json tokenizer_of(const Json& normalizer, const Json& words,
                  const std::vector<std::string>& pieces = {"\u2581", "\u2581a"}) {
  Json vocab = Json::object();
  for (const std::string& piece : pieces) vocab[piece] = vocab.size();
  return {
      {"normalizer", normalizer}, {"pre_tokenizer", words}, {"model", {{"type", "BPE"}, {"vocab", vocab}}}};
}

Json metaspace(const char* scheme, bool split = false) {
  return {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}, {"split", split}};
}

// The notes; throws what the check throws.
std::vector<std::string> notes_of_bytes(const Json& normalizer) {
  GgufTextRules rules("t.json");
  rules.check_byte_level(tokenizer_of(normalizer, in_sequence("pretokenizers", {kBytes})));
  return rules.notes();
}

struct Pieces {
  bool prefix = false;
  std::vector<std::string> notes;
};

Pieces pieces(const Json& tokenizer) {
  GgufTextRules rules("t.json");
  const bool prefix = rules.check_pieces(tokenizer);
  return {prefix, rules.notes()};
}

TEST(GgufTextRules, BytesAreTakenAsTheyAre) {
  EXPECT_TRUE(has_byte_level(tokenizer_of(nullptr, in_sequence("pretokenizers", {kBytes}))));
  EXPECT_FALSE(has_byte_level(tokenizer_of(nullptr, nullptr)));
  EXPECT_TRUE(notes_of_bytes(nullptr).empty());
  EXPECT_TRUE(notes_of_bytes(in_sequence("normalizers", {})).empty());
  const std::vector<std::string> notes = notes_of_bytes({{"type", "NFC"}});
  ASSERT_EQ(notes.size(), 1U) << "Qwen2's, which llama.cpp leaves out";
  EXPECT_NE(notes[0].find("t.json: texts are normalized to NFC"), std::string::npos);
  for (const char* type : {"Lowercase", "NFKC", "Strip", "StripAccents"}) {
    expect_error(ErrorCode::kUnsupported, {"t.json", type, "llama.cpp's byte-level BPE"}, [&] {
      notes_of_bytes(in_sequence("normalizers", {Json{{"type", "NFC"}}, Json{{"type", type}}}));
    });
  }
}

// Llama's, Phi-3's and TinyLlama's; Gemma's; Mistral's and those that LlamaTokenizer builds.
TEST(GgufTextRules, WaysToShowSpaces) {
  const Json both = in_sequence("normalizers", {kPrepend, kShow});
  EXPECT_TRUE(pieces(tokenizer_of(both, nullptr)).prefix);
  EXPECT_TRUE(pieces(tokenizer_of(both, nullptr)).notes.empty());
  const Json split = {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}};
  EXPECT_FALSE(pieces(tokenizer_of(kShow, split)).prefix);
  EXPECT_FALSE(pieces(tokenizer_of(nullptr, metaspace("never"))).prefix);
  EXPECT_TRUE(pieces(tokenizer_of(nullptr, metaspace("never"))).notes.empty());
  const Pieces first = pieces(tokenizer_of(nullptr, metaspace("first")));
  EXPECT_TRUE(first.prefix);
  ASSERT_EQ(first.notes.size(), 1U);
  EXPECT_NE(first.notes[0].find("follows a special token"), std::string::npos);
  const Pieces always = pieces(tokenizer_of(nullptr, metaspace("always")));
  EXPECT_TRUE(always.prefix);
  ASSERT_EQ(always.notes.size(), 1U);
  EXPECT_EQ(always.notes[0].find("follows a special token"), std::string::npos);
}

TEST(GgufTextRules, NullFieldsAreNotThere) {
  Json step = metaspace("first");
  step["prepend_scheme"] = nullptr;
  step["add_prefix_space"] = nullptr;
  EXPECT_TRUE(pieces(tokenizer_of(nullptr, step)).prefix);
}

TEST(GgufTextRules, OtherStepsBesidePiecesAreRefused) {
  for (const Json& step : {Json{{"type", "Lowercase"}}, Json{{"type", "NFC"}},
                           Json{{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", " "}},
                           Json{{"type", "Prepend"}, {"prepend", "_"}}}) {
    expect_error(ErrorCode::kUnsupported, {"t.json: the normalizer", "llama change the spaces alone"}, [&] {
      pieces(tokenizer_of(in_sequence("normalizers", {step, kShow}), nullptr));
    });
  }
  expect_error(ErrorCode::kUnsupported, {"t.json: the pre_tokenizer", "Digits"}, [&] {
    pieces(tokenizer_of(kShow, {{"type", "Digits"}, {"individual_digits", true}}));
  });
  expect_error(ErrorCode::kUnsupported, {"spaces stay spaces"},
               [&] { pieces(tokenizer_of(nullptr, nullptr)); });
}

// Cutting before every space matters only where a piece has one behind its first character.
TEST(GgufTextRules, MetaspaceMayCutWhereNoPieceIsCut) {
  EXPECT_FALSE(pieces(tokenizer_of(nullptr, metaspace("never", true))).prefix);
  expect_error(ErrorCode::kUnsupported, {"t.json: the pre_tokenizer", "Metaspace"},
               [&] { pieces(tokenizer_of(nullptr, metaspace("never", true), {"\u2581\u2581"})); });
}

TEST(GgufTextRules, FlagsOfAddedTokens) {
  const auto notes = [](const tokenizers::AddedToken& token, const char* model_type) {
    GgufTextRules rules("t.json");
    rules.check_added({{.content = "<s>", .special = true}, token}, model_type);
    return rules.notes();
  };
  EXPECT_TRUE(notes({.content = "<a>", .normalized = true}, "llama").empty());
  for (const auto& token : {tokenizers::AddedToken{.content = "<a>", .lstrip = true},
                            tokenizers::AddedToken{.content = "<a>", .rstrip = true}}) {
    expect_error(ErrorCode::kUnsupported, {"t.json: the added token '<a>'", "(lstrip, rstrip)"},
                 [&] { notes(token, "llama"); });
    EXPECT_EQ(notes(token, "phi3").size(), 1U);
  }
  expect_error(ErrorCode::kUnsupported, {"(single_word)"},
               [&] { notes({.content = "<a>", .single_word = true}, "phi3"); });
}

TEST(GgufTextRules, OfATokenizerModel) {
  tokenizers::SentencePieceFile file;
  file.kind = tokenizers::SentencePieceFile::Kind::kBpe;
  file.byte_fallback = true;
  file.remove_extra_whitespaces = false;
  const auto notes = [&](const tokenizers::TokenizerConfig& settings) {
    GgufTextRules rules("t.model");
    rules.check_sentencepiece(file, settings);
    return rules.notes();
  };
  EXPECT_TRUE(notes({}).empty());
  tokenizers::TokenizerConfig newer;
  newer.legacy = false;
  EXPECT_EQ(notes(newer).size(), 1U);
  file.remove_extra_whitespaces = true;
  ASSERT_EQ(notes({}).size(), 1U);
  EXPECT_NE(notes({})[0].find("remove_extra_whitespaces"), std::string::npos);
  file.charsmap = "map";
  expect_error(ErrorCode::kUnsupported, {"t.model", "character map"}, [&] { notes({}); });
  file.byte_fallback = false;
  expect_error(ErrorCode::kUnsupported, {"only SentencePiece's BPE with byte fallback"}, [&] { notes({}); });
}

}  // namespace
}  // namespace lq
