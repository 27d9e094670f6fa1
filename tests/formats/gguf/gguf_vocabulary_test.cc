#include "formats/gguf/gguf_vocabulary.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/gguf/gguf_tokenizer.h"
#include "formats/model_folder.h"
#include "support/io_test_util.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;

const std::filesystem::path kGgufGoldens =
    std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf";

JsonObject empty_config() { return {nlohmann::ordered_json::object(), "config.json"}; }

// Keys as they are read again.
class Written {
 public:
  Written(const Folder& folder, const JsonObject& config, const GgufVocabularyOptions& options)
      : bytes_(header_of(folder, config, options)),
        header_(parse_gguf(reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size(), "[gguf] new")),
        keys_(header_.values, "[gguf] new") {}
  const GgufMetadata& keys() const { return keys_; }

 private:
  static std::string header_of(const Folder& folder, const JsonObject& config,
                               const GgufVocabularyOptions& options) {
    GgufKeys keys;
    add_gguf_tokenizer(folder, config, options, keys);
    GgufHeader layout;
    return make_gguf_header(keys, {}, layout);
  }
  std::string bytes_;
  GgufHeader header_;
  GgufMetadata keys_;
};

// A padding token that nothing was learnt for stands beside many tokenizers.
TEST(GgufVocabulary, ANameWithoutARowIsLeftOutAndSaid) {
  const auto tokenizer = std::filesystem::path(test::source_dir()) / "tests/goldens/tokenizers/bpe_llama3";
  std::map<std::string, std::string> files = {
      {"tokenizer.json", io_test::get_file(tokenizer / "tokenizer.json")},
      {"tokenizer_config.json",
       R"({"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": "[PAD]"})"}};
  GgufKeys keys;
  const auto notes = add_gguf_tokenizer(Folder("made", files), empty_config(), {.rows = 400}, keys);
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes.front().find("'[PAD]' of the files beside it has no row"), std::string::npos)
      << notes.front();
  GgufKeys more;
  const auto fewer = add_gguf_tokenizer(Folder("made", files), empty_config(), {.rows = 401}, more);
  EXPECT_EQ(fewer.size(), notes.size() - 1) << "with a row it is a token like any other";
}

TEST(GgufVocabulary, AFileThatIsReadIsWrittenTheSameAgain) {
  for (const char* name : {"gpt2.gguf", "llama_bpe.gguf", "qwen2.gguf", "smollm.gguf"}) {
    const GgufFile file(kGgufGoldens / name);
    const GgufMetadata before(file.values(), file.who());
    const auto tokens = before.texts("tokenizer.ggml.tokens");
    const Written written(model_folder(kGgufGoldens / name), empty_config(), {.rows = std::ssize(tokens)});
    const GgufMetadata& after = written.keys();
    const std::string base = "tokenizer.ggml.";
    EXPECT_EQ(after.text(base + "model"), before.text(base + "model")) << name;
    EXPECT_EQ(after.text(base + "pre"), before.text_or(base + "pre", "default")) << name;
    EXPECT_EQ(after.texts(base + "tokens"), tokens) << name;
    EXPECT_EQ(after.texts(base + "merges"), before.texts(base + "merges")) << name;
    EXPECT_EQ(after.floats(base + "scores"), before.floats(base + "scores")) << name;
    for (const char* key : {"bos_token_id", "eos_token_id", "unknown_token_id", "padding_token_id"}) {
      EXPECT_EQ(after.integer_or(base + key, -1, -1, 1 << 30), before.integer_or(base + key, -1, -1, 1 << 30))
          << name << " " << key;
    }
    const auto again = gguf_side_texts(after);
    const auto tokenizer = Tokenizer::load(Folder("again", again));
    const auto first = Tokenizer::load(model_folder(kGgufGoldens / name));
    for (const char* text :
         {"Hello, world! 12345", "  two  spaces\n", "na\u00efve \u4e2d\u6587", "<|im_end|> <s>"}) {
      EXPECT_EQ(tokenizer->encode(text, true), first->encode(text, true)) << name << ": " << text;
    }
  }
}

// A directory's ids, and those of what is written of it and read again.
void expect_same_ids(const std::filesystem::path& directory, std::int64_t rows,
                     const std::vector<std::string>& texts) {
  const Written written(directory, empty_config(), {.rows = rows});
  const auto first = Tokenizer::load(directory);
  const auto again = Tokenizer::load(Folder("again", gguf_side_texts(written.keys())));
  for (const std::string& text : texts) {
    EXPECT_EQ(again->encode(text, true), first->encode(text, true)) << text;
  }
}

constexpr const char* kPieces =
    R"("model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": {"<unk>": 0, "a": 1, "b": 2,
       "\u2581": 3, "\u2581a": 4, "ab": 5BYTES}, "merges": ["\u2581 a", "a b"]})";

std::string pieces_with_bytes() {
  std::string text = kPieces;
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += fmt::format(R"(, "<0x{:02X}>": {})", byte, 6 + byte);
  return text.replace(text.find("BYTES"), 5, bytes);
}

TEST(GgufVocabulary, TheFilesBesideTokenizerJsonSayWhetherASpaceGoesBefore) {
  const io_test::TempDir dir;
  const auto put = [&](const char* scheme, const char* config) {
    put_file(dir / "tokenizer.json",
             fmt::format(R"({{"pre_tokenizer": {{"type": "Metaspace", "replacement": "\u2581", "split": false,
                           "prepend_scheme": "{}"}}, {}}})",
                         scheme, pieces_with_bytes()));
    put_file(dir / "tokenizer_config.json", config);
    expect_same_ids(dir.path(), 262, {"ab", "a b", "b a"});
    const Written written(dir.path(), empty_config(), {.rows = 262});
    EXPECT_EQ(written.keys().integers("tokenizer.ggml.token_type")[0], 2) << "the unknown piece stays that";
    return written.keys().boolean_or("tokenizer.ggml.add_space_prefix", true);
  };
  EXPECT_FALSE(put("first", R"({"tokenizer_class": "LlamaTokenizer", "add_prefix_space": false})"));
  EXPECT_TRUE(put("never", R"({"tokenizer_class": "LlamaTokenizer"})"));
  EXPECT_FALSE(put("never", R"({"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": true})"));
}

TEST(GgufVocabulary, ASpaceBeforeBytesIsRefused) {
  const io_test::TempDir dir;
  put_file(dir / "tokenizer.json",
           R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
               "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  put_file(dir / "tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})");
  EXPECT_EQ(Written(dir.path(), empty_config(), {.rows = 3}).keys().text("tokenizer.ggml.pre"), "gpt-2");
  put_file(dir / "tokenizer_config.json",
           R"({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true})");
  for (const char* pre : {"", "smollm"}) {
    expect_error(ErrorCode::kUnsupported, {"tokenizer.json", "a space before it (add_prefix_space)"},
                 [&] { Written(dir.path(), empty_config(), {.rows = 3, .pre = pre}); });
  }
}

TEST(GgufVocabulary, TokensThatOnlyTheFilesBesideNameAreWritten) {
  const io_test::TempDir dir;
  put_file(dir / "tokenizer.json",
           R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
               "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<s>": 2, "ab": 3}, "merges": ["a b"]}})");
  put_file(dir / "tokenizer_config.json",
           R"({"bos_token": "<s>", "additional_special_tokens": ["<|im_end|>"]})");
  const Written written(dir.path(), empty_config(), {.rows = 6});
  EXPECT_EQ(written.keys().texts("tokenizer.ggml.tokens"),
            (std::vector<std::string>{"a", "b", "<s>", "ab", "<|im_end|>", "[PAD5]"}));
  EXPECT_EQ(written.keys().integers("tokenizer.ggml.token_type"),
            (std::vector<std::int64_t>{1, 1, 3, 1, 3, 5}));
  expect_same_ids(dir.path(), 6, {"a<s>b", "<|im_end|>a"});
}

TEST(GgufVocabulary, HolesAreFilledAndAddedTokensKnown) {
  const io_test::TempDir dir;
  put_file(
      dir / "tokenizer.json",
      R"({"added_tokens": [{"id": 3, "content": "<s>", "special": true}, {"id": 4, "content": "<tool>", "special": false}],
               "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true, "trim_offsets": true},
               "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  put_file(
      dir / "tokenizer_config.json",
      R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "chat_template": "{{ messages }}"})");
  const JsonObject config({{"eos_token_id", {2, 1}}}, "config.json");
  const Written written(dir.path(), config, {.rows = 6});
  const GgufMetadata& keys = written.keys();
  EXPECT_EQ(keys.texts("tokenizer.ggml.tokens"),
            (std::vector<std::string>{"a", "b", "ab", "<s>", "<tool>", "[PAD5]"}));
  EXPECT_EQ(keys.integers("tokenizer.ggml.token_type"), (std::vector<std::int64_t>{1, 1, 1, 3, 4, 5}));
  EXPECT_EQ(keys.text("tokenizer.ggml.pre"), "gpt-2");
  EXPECT_EQ(keys.integer("tokenizer.ggml.bos_token_id", 0, 9), 3);
  EXPECT_EQ(keys.integer("tokenizer.ggml.eos_token_id", 0, 9), 2);
  EXPECT_FALSE(keys.boolean_or("tokenizer.ggml.add_bos_token", true));
  EXPECT_EQ(keys.text("tokenizer.chat_template"), "{{ messages }}");
  EXPECT_EQ(Written(dir.path(), config, {.rows = 6, .pre = "smollm"}).keys().text("tokenizer.ggml.pre"),
            "smollm");
  expect_error(ErrorCode::kMismatch, {"token '<tool>' has id 4", "4 rows"},
               [&] { Written(dir.path(), config, {.rows = 4}); });
  expect_error(ErrorCode::kUnsupported, {"tokenizer.ggml.pre \"mine\""},
               [&] { Written(dir.path(), config, {.rows = 6, .pre = "mine"}); });
}

// A tokenizer.model without a character map: what a GGUF file says of one, and the same again.
class GgufVocabularyOfPieces : public testing::TestWithParam<bool> {};

TEST_P(GgufVocabularyOfPieces, ComeBackAsTheyWere) {
  GgufKeys keys;
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    types.push_back(6);
  }
  for (const char* piece : {"\u2581a", "\u2581", "a", "b"}) {
    tokens.emplace_back(piece);
    types.push_back(1);
  }
  std::vector<float> scores(tokens.size(), 0.0F);
  for (std::size_t id = 259; id < scores.size(); ++id) scores[id] = -static_cast<float>(id - 259);
  keys.text("tokenizer.ggml.model", "llama");
  keys.texts("tokenizer.ggml.tokens", tokens);
  keys.f32s("tokenizer.ggml.scores", scores);
  keys.i32s("tokenizer.ggml.token_type", types);
  keys.u32("tokenizer.ggml.bos_token_id", 1);
  keys.u32("tokenizer.ggml.eos_token_id", 2);
  const bool squeezes = GetParam();
  keys.flag("tokenizer.ggml.remove_extra_whitespaces", squeezes);
  GgufHeader layout;
  const std::string bytes = make_gguf_header(keys, {}, layout);
  const GgufHeader header = parse_gguf(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), "f");
  const Folder folder("f.gguf", gguf_side_texts(GgufMetadata(header.values, "f")));
  const Written written(folder, empty_config(), {.rows = std::ssize(tokens)});
  EXPECT_EQ(written.keys().texts("tokenizer.ggml.tokens"), tokens);
  EXPECT_EQ(written.keys().floats("tokenizer.ggml.scores"), scores);
  EXPECT_EQ(written.keys().integers("tokenizer.ggml.token_type"),
            (std::vector<std::int64_t>(types.begin(), types.end())));
  EXPECT_EQ(written.keys().integer("tokenizer.ggml.eos_token_id", 0, 9), 2);
  EXPECT_TRUE(written.keys().boolean_or("tokenizer.ggml.add_bos_token", false));
  EXPECT_TRUE(written.keys().boolean_or("tokenizer.ggml.add_space_prefix", false));
  EXPECT_EQ(written.keys().boolean_or("tokenizer.ggml.remove_extra_whitespaces", !squeezes), squeezes);
}
INSTANTIATE_TEST_SUITE_P(Spaces, GgufVocabularyOfPieces, testing::Bool());

TEST(GgufVocabulary, WhatCannotBeSaidIsRefused) {
  expect_error(ErrorCode::kUnsupported, {"the character map has no place"}, [] {
    Written(model_folder(kGgufGoldens / "sentencepiece.gguf"), empty_config(), {.rows = 40000});
  });
  const io_test::TempDir dir;
  put_file(dir / "tokenizer.model", "YQ== 0\nYg== 1\n");
  expect_error(ErrorCode::kUnsupported, {"tokenizer.model", "tiktoken's ranks, which are not written"},
               [&] { Written(dir.path(), empty_config(), {.rows = 6}); });
  std::filesystem::remove(dir / "tokenizer.model");
  expect_error(ErrorCode::kNotFound, {dir.path().string(), "no tokenizer.json and no tokenizer.model"},
               [&] { Written(dir.path(), empty_config(), {.rows = 6}); });
  put_file(dir / "tokenizer.json",
           R"({"model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1}}})");
  expect_error(ErrorCode::kUnsupported, {"only WordPiece, byte-level BPE and SentencePiece's BPE"},
               [&] { Written(dir.path(), empty_config(), {.rows = 6}); });
}

// Pieces as tokenizer.json holds Llama's: their order of merges becomes scores.
TEST(GgufVocabulary, MergesOfPiecesBecomeScores) {
  const io_test::TempDir dir;
  const auto put = [&](const std::string& merges) {
    put_file(dir / "tokenizer.json",
             R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                 {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                 "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
                 "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "\u2581": 4, "\u2581a": 5, "ab": 6}, "merges": )" +
                 merges + "}}");
  };
  put(R"([["a", "b"], ["\u2581", "a"]])");
  const Written written(dir.path(), empty_config(), {.rows = 7});
  EXPECT_EQ(written.keys().text("tokenizer.ggml.model"), "llama");
  EXPECT_TRUE(written.keys().boolean_or("tokenizer.ggml.add_space_prefix", false));
  EXPECT_EQ(written.keys().integers("tokenizer.ggml.token_type"),
            (std::vector<std::int64_t>{2, 6, 1, 1, 1, 1, 1}));
  EXPECT_EQ(written.keys().floats("tokenizer.ggml.scores"), (std::vector<float>{-2, -2, -2, -2, -2, -1, 0}));
  put(R"([["a", "b"], ["\u2581", "a"], ["a", "b"]])");
  expect_error(ErrorCode::kUnsupported, {"the merges that make 'ab'"},
               [&] { Written(dir.path(), empty_config(), {.rows = 7}); });
}

}  // namespace
}  // namespace lq
