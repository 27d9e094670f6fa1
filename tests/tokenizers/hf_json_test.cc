// tokenizer.json, part by part; the same parts against the library: tests/tokenizers/parts_test.cc.
#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/hf_tokenizer.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

std::unique_ptr<HfTokenizer> from_file(const std::string& json, const TokenizerConfig& config = {}) {
  return make_hf_tokenizer(json, config, "f");
}
std::unique_ptr<HfTokenizer> from_model(const std::string& model) {
  return from_file(fmt::format(R"({{"model": {{{}}}}})", model));
}
made::Ids model_ids(const std::string& model, std::string_view text) {
  return from_model(model)->encode(text, false);
}
void expect_corrupt_model(std::string_view part, const std::string& model) {
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: model: ", part}, [&] { from_model(model); });
}

TEST(HfJson, EveryKindOfModel) {
  struct Kind {
    const char *type, *rest, *text;
    made::Ids ids;
  };
  const Kind kinds[] = {
      {"BPE", R"("vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"])", "abb", {2, 1}},
      {"Unigram", R"("vocab": [["u", 0], ["a", -1], ["b", -1], ["ab", -1.5]], "unk_id": 0)", "abz", {3, 0}},
      {"WordPiece",
       R"("vocab": {"[UNK]": 0, "un": 1, "##do": 2}, "continuing_subword_prefix": "##")",
       "undo",
       {1, 2}},
      {"WordLevel", R"("vocab": {"<unk>": 0, "undo": 1})", "undo", {1}}};
  for (const Kind& k : kinds) {
    const std::string named = fmt::format(R"("type": "{}", {})", k.type, k.rest);
    EXPECT_EQ(from_model(named)->kind(), k.type + std::string(" tokenizer.json"));
    EXPECT_EQ(model_ids(named, k.text), k.ids);
    // Without its name a model is what its other keys are of.
    if (std::string_view(k.type) == "WordLevel") {
      expect_corrupt_model("'type' is missing (BPE, Unigram, WordPiece or WordLevel)", k.rest);
    } else {
      EXPECT_EQ(from_model(k.rest)->kind(), k.type + std::string(" tokenizer.json"));
      EXPECT_EQ(model_ids(k.rest, k.text), k.ids);
    }
  }
  io_test::expect_error(ErrorCode::kUnsupported, {"f: model: type 'Chars' (BPE, Unigram"},
                        [] { from_model(R"("type": "Chars")"); });
}

TEST(HfJson, MergesAreTextsOrPairsAndTheFirstGoesFirst) {
  const std::string vocab = R"("vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, " ": 5, "a ": 6}, )";
  const auto with = [&](const char* merges) { return vocab + "\"merges\": " + merges; };
  for (const char* merges : {R"(["b c", "a b"])", R"([["b", "c"], ["a", "b"]])", R"(["b c", ["a", "b"]])"}) {
    EXPECT_EQ(model_ids(with(merges), "abc"), (made::Ids{0, 4})) << merges;
  }
  EXPECT_EQ(model_ids(with(R"(["a b", "b c"])"), "abc"), (made::Ids{3, 2}));
  EXPECT_EQ(model_ids(with(R"([["a", " "]])"), "a a"), (made::Ids{6, 0})) << "pieces with a space in them";
  expect_corrupt_model("merge 1 should be two pieces with one space between, is 'a b c'",
                       with(R"(["a b", "a b c"])"));
  expect_corrupt_model("merge 0 should be two pieces with one space between, is 'a'", with(R"(["a"])"));
  for (const char* bad : {R"([7])", R"([["a"]])", R"([["a", "b", "c"]])", R"([["a", 1]])", R"([null])"}) {
    expect_corrupt_model("merge 0 should be \"left right\" or [left, right], is ", with(bad));
  }
  expect_corrupt_model("'merges' should be a list, is object", with("{}"));
  expect_corrupt_model("key 'merges' is missing", R"("type": "BPE", "vocab": {"a": 0})");
  expect_corrupt_model("merge 0 ('a' 'c'): 'ac' is not in the vocabulary", with(R"(["a c"])"));
}

TEST(HfJson, SettingsOfBpe) {
  const auto ids = [](const std::string& settings, const char* text) {
    return model_ids(R"("type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3, "##b": 4, "b$": 5,
                        "ab$": 6, "<0x7A>": 7}, )" +
                         settings,
                     text);
  };
  const std::string none = R"("merges": [])";
  EXPECT_EQ(ids(none, "azzb"), (made::Ids{1, 2})) << "without an unknown token";
  EXPECT_EQ(ids(none + R"(, "unk_token": "<unk>")", "azzb"), (made::Ids{1, 0, 0, 2}));
  EXPECT_EQ(ids(none + R"(, "unk_token": "<unk>", "fuse_unk": true)", "azzb"), (made::Ids{1, 0, 2}));
  EXPECT_EQ(ids(none + R"(, "byte_fallback": true)", "azb"), (made::Ids{1, 7, 2}));
  EXPECT_EQ(ids(none, "ab"), (made::Ids{1, 2}));
  EXPECT_EQ(ids(none + R"(, "ignore_merges": true)", "ab"), made::Ids{3});
  EXPECT_EQ(ids(R"("merges": ["a ##b"], "continuing_subword_prefix": "##")", "ab"), made::Ids{3});
  EXPECT_EQ(ids(R"("merges": ["a b$"], "end_of_word_suffix": "$")", "ab"), made::Ids{6});
  EXPECT_EQ(ids(none + R"(, "dropout": null)", "a"), made::Ids{1});
  EXPECT_EQ(ids(none + R"(, "dropout": 0)", "a"), made::Ids{1});
  io_test::expect_error(ErrorCode::kUnsupported, {"f: model: BPE with dropout 0.1 gives other ids each time"},
                        [&] { ids(none + R"(, "dropout": 0.1)", "a"); });
  expect_corrupt_model("key 'fuse_unk' is 1", R"("vocab": {}, "merges": [], "fuse_unk": 1)");
}

TEST(HfJson, SettingsOfTheOthers) {
  const std::string pieces = R"("type": "Unigram", "vocab": [["u", 0], ["a", -1], ["<0x7A>", -9]])";
  EXPECT_EQ(model_ids(pieces + R"(, "unk_id": 0)", "azz"), (made::Ids{1, 0}));
  EXPECT_EQ(model_ids(pieces + R"(, "unk_id": 0, "byte_fallback": true)", "azz"), (made::Ids{1, 2, 2}));
  for (const char* none : {"", R"(, "unk_id": null)"}) {
    EXPECT_EQ(model_ids(pieces + none, "a"), made::Ids{1});
    EXPECT_THROW(model_ids(pieces + none, "z"), Error);
  }
  const std::string words =
      R"("type": "WordPiece", "vocab": {"[UNK]": 0, "<u>": 1, "a": 2, "##a": 3, "@a": 4})";
  EXPECT_EQ(model_ids(words, "aaa"), (made::Ids{2, 3, 3}));
  EXPECT_EQ(model_ids(words, std::string(100, 'a')).size(), 100U);
  EXPECT_EQ(model_ids(words, std::string(101, 'a')), made::Ids{0}) << "too long";
  const std::string own = R"(, "unk_token": "<u>", "continuing_subword_prefix": "@", )";
  EXPECT_EQ(model_ids(words + own + R"("max_input_chars_per_word": 3)", "aaa"), (made::Ids{2, 4, 4}));
  EXPECT_EQ(model_ids(words + own + R"("max_input_chars_per_word": 2)", "aaa"), made::Ids{1});
  const std::string level = R"("type": "WordLevel", "vocab": {"<unk>": 0, "<u>": 1})";
  EXPECT_EQ(model_ids(level, "x"), made::Ids{0});
  EXPECT_EQ(model_ids(level + R"(, "unk_token": "<u>")", "x"), made::Ids{1});
}

TEST(HfJson, RefusesVocabulariesThatAreNone) {
  expect_corrupt_model("'vocab' should be an object of pieces and ids, is array",
                       R"("type": "BPE", "merges": [], "vocab": [])");
  expect_corrupt_model("the id of 'b' should be a whole number, is number",
                       R"("type": "WordLevel", "vocab": {"a": 0, "b": 1.5})");
  expect_corrupt_model("the id of 'a' should be a whole number, is string",
                       R"("type": "WordPiece", "vocab": {"a": "0"})");
  for (const char* type : {"BPE", "Unigram", "WordPiece", "WordLevel"}) {
    expect_corrupt_model("key 'vocab' is missing", fmt::format(R"("type": "{}", "merges": [])", type));
    expect_corrupt_model("key 'vocab' is missing",
                         fmt::format(R"("type": "{}", "merges": [], "vocab": null)", type));
  }
  const std::string unigram = R"("type": "Unigram", "vocab": )";
  expect_corrupt_model("'vocab' should be a list of [piece, score], is object", unigram + "{}");
  for (const char* bad : {R"(["a"])", R"(["a", "0"])", R"(["a", 0, 0])", "[1, 0]", "7"}) {
    expect_corrupt_model("piece 1 should be [piece, score]", unigram + "[[\"u\", 0], " + bad + "]");
  }
  for (const char* id : {"2", "-2", "4294967296"}) {
    expect_corrupt_model(fmt::format("unk_id is {}, but there are 2 pieces", id),
                         unigram + R"([["u", 0], ["a", -1]], "unk_id": )" + id);
  }
}

TEST(HfJson, AddedTokens) {
  const auto with = [](const std::string& added) {
    return from_file(R"({"model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}},
                         "added_tokens": )" +
                     added + "}");
  };
  const auto t = with(R"([{"id": 7, "content": "<x>", "special": true}, {"id": 0, "content": "a"}])");
  EXPECT_TRUE(t->id_of("<x>") == 2 && t->id_of("a") == 1 && t->vocab_size() == 3);
  EXPECT_TRUE(t->is_special(2) && !t->is_special(1));
  EXPECT_EQ(t->encode("a<x>a", false), (made::Ids{1, 2, 1}));
  EXPECT_EQ(with("null")->vocab_size(), 2);
  EXPECT_EQ(with("[]")->vocab_size(), 2);
  const std::pair<const char*, const char*> refused[] = {
      {"{}", "f: 'added_tokens' should be a list, is object"},
      {"[5]", "f: added_tokens[0]: an object was expected"},
      {R"([{"content": "x"}])", "f: added_tokens[0]: key 'id' is missing"},
      {R"([{"id": 1, "content": "x"}, {"id": 2}])", "f: added_tokens[1]: key 'content' is missing"},
      {R"([{"id": -1, "content": "x"}])", "f: added_tokens[0]: key 'id' is -1"},
      {R"([{"id": 2147483648, "content": "x"}])", "f: added_tokens[0]: key 'id' is 2147483648"}};
  for (const auto& [added, part] : refused) {
    io_test::expect_error(ErrorCode::kCorruptFile, {part}, [&, list = added] { with(list); });
  }
}

TEST(HfJson, TheFilesPostProcessorDecidesAndTheClassItsPrefix) {
  const std::string file = R"({"model": {"type": "BPE", "vocab": {"a": 0, "\u0120": 1, "\u0120a": 2},
      "merges": ["\u0120 a"]}, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true}})";
  TokenizerConfig config;
  config.bos = "a";
  config.add_bos = true, config.add_eos = true;
  const auto t = from_file(file, config);
  EXPECT_EQ(t->encode("a", true), made::Ids{2}) << "add_bos_token of the other file adds nothing";
  EXPECT_TRUE(t->bos_id() == 0 && !t->special().add_bos);
  config.tokenizer_class = "GPT2Tokenizer";
  EXPECT_EQ(from_file(file, config)->encode("a", true), made::Ids{0});
}

TEST(HfJson, RefusesWhatIsNoTokenizer) {
  const std::pair<const char*, const char*> refused[] = {
      {"", "f: "},
      {"{\"model\": ", "f: not valid JSON"},
      {"[1]", "f: should hold a JSON object, holds array"},
      {"7", "f: should hold a JSON object, holds number"},
      {"{}", "f: key 'model' is missing"},
      {"{\"model\": null}", "f: key 'model' is missing"},
      {"{\"model\": 5}", "f: model: an object was expected"},
      {R"({"model": {"type": 5}})", "f: model: key 'type' is 5"}};
  for (const auto& [json, part] : refused) {
    io_test::expect_error(ErrorCode::kCorruptFile, {part}, [&, text = json] { from_file(text); });
  }
}

}  // namespace
}  // namespace lq::tokenizers
