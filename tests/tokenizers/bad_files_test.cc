// Damaged tokenizer files of every kind: one error that names the file and what was expected, never a crash.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_goldens.h"

namespace lq::tokenizers {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

class BadFiles : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) /
                 fmt::format("lq_bad_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
  }
  // The error of loading the folder; "" where it loads.
  std::string error() {
    try {
      Tokenizer::load(directory_)->encode("some text", true);
    } catch (const Error& e) {
      EXPECT_NE(e.code(), ErrorCode::kInternal);
      EXPECT_NE(std::string(e.what()).find(directory_.string()), std::string::npos) << e.what();
      return e.what();
    }
    return "";
  }
  std::string error_of(const std::string& name, const std::string& bytes) {
    write(name, bytes);
    return error();
  }
  // Loading of every proper prefix fails, but for those that only lack white space; of a text file they may
  // be whole.
  void expect_prefixes_fail(const std::string& name, const std::string& bytes, std::size_t step) {
    for (std::size_t size = 0; size + 1 < bytes.size(); size += step) {
      EXPECT_NE(error_of(name, bytes.substr(0, size)), "") << name << " cut to " << size << " bytes";
    }
  }
  fs::path directory_;
};

#define EXPECT_HAS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

std::string bpe(const std::string& vocab, const std::string& merges, const std::string& more = "") {
  return R"({"model": {"type": "BPE", "vocab": )" + vocab + R"(, "merges": )" + merges + "}" + more + "}";
}

TEST_F(BadFiles, NoTokenizerAtAll) {
  EXPECT_HAS(error(), "no tokenizer here (expected tokenizer.json");
  EXPECT_THROW(Tokenizer::load(directory_ / "absent"), Error);
  EXPECT_HAS(error_of("tokenizer.json", ""), "the file is empty");
}

TEST_F(BadFiles, TokenizerJson) {
  EXPECT_HAS(error_of("tokenizer.json", "{\"model\": "), "not valid JSON");
  EXPECT_HAS(error_of("tokenizer.json", "[1]"), "should hold a JSON object");
  EXPECT_HAS(error_of("tokenizer.json", "{}"), "'model' is missing");
  EXPECT_HAS(error_of("tokenizer.json", bpe("[]", "[]")), "'vocab' should be an object");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": "x"})", "[]")),
             "the id of 'a' should be a whole number");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": -1})", "[]")), "id -1 of 'a'");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 4000000000000})", "[]")), "id 4000000000000 of 'a'");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 0, "b": 0})", "[]")), "both have id 0");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 0, "b": 1})", R"(["a b"])")),
             "merge 0 ('a' 'b'): 'ab' is not in the vocabulary");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 0})", R"([["a", "q"]])")),
             "'q' is not in the vocabulary");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 0})", R"(["a"])")),
             "two pieces with one space between, is 'a'");
  EXPECT_HAS(error_of("tokenizer.json", bpe(R"({"a": 0})", R"([7])")), "merge 0 should be");
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", R"(, "normalizer": {"type": "Shuffle"})")),
             "normalizer of type 'Shuffle'");
  EXPECT_HAS(
      error_of(
          "tokenizer.json",
          bpe("{}", "[]",
              R"(, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})")),
      "regular expression '(a'");
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", R"(, "decoder": {"type": 3})")),
             "decoder: key 'type' is 3, but a text was expected");
  EXPECT_HAS(
      error_of("tokenizer.json",
               bpe("{}", "[]",
                   R"(, "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": 3}]})")),
      "decoder: key 'decoders[1].type' is 3");
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", R"(, "normalizer": {"type": "Sequence"})")),
             "normalizer: key 'normalizers' is missing");
  EXPECT_HAS(error_of("tokenizer.json",
                      bpe("{}", "[]", R"(, "pre_tokenizer": {"type": "FixedLength", "length": 0})")),
             "pre_tokenizer: key 'length' is 0, but an integer from 1");
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", R"(, "added_tokens": [{"id": 0, "content": 5}])")),
             "added_tokens[0]: key 'content' is 5, but a text was expected");
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", R"(, "pre_tokenizer": "Whitespace")")),
             "pre_tokenizer: an object was expected, not string");
  // Deep enough to overflow the stack of whoever copies it step by step.
  const std::string brackets(300000, '[');
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", ", \"normalizer\": " + brackets)),
             "nested deeper than 256");
  EXPECT_EQ(error_of("tokenizer.json", bpe(R"({"a": 0, "b": 1})", "[]", R"(, "about": ")" + brackets + "\"")),
            "")
      << "brackets in a string are text";
  EXPECT_HAS(
      error_of("tokenizer.json",
               bpe("{}", "[]",
                   R"(, "post_processor": {"type": "BertProcessing", "cls": ["x", 5], "sep": ["y", 6]})")),
      "the post-processor adds token 5");
  std::string deep = R"({"type": "NFC"})";
  for (int i = 0; i < 100; ++i) deep = R"({"type": "Sequence", "normalizers": [)" + deep + "]}";
  EXPECT_HAS(error_of("tokenizer.json", bpe("{}", "[]", ", \"normalizer\": " + deep)), "nested more than");
  for (const char* name : {"bpe_roberta", "unigram_precompiled", "wordpiece"}) {
    expect_prefixes_fail("tokenizer.json", read(kTokenizerGoldens / name / "tokenizer.json"), 997);
  }
}

TEST_F(BadFiles, Charsmap) {
  const auto with = [](const std::string& base64) {
    return bpe("{}", "[]",
               R"(, "normalizer": {"type": "Precompiled", "precompiled_charsmap": ")" + base64 + "\"}");
  };
  EXPECT_HAS(error_of("tokenizer.json", with("AAA")), "groups of 4 characters");
  EXPECT_HAS(error_of("tokenizer.json", with("A*AA")), "is not base64");
  EXPECT_HAS(error_of("tokenizer.json", with("AAAA")), "too short for its length field");
  EXPECT_HAS(error_of("tokenizer.json", with("////fwAAAAA=")), "the character map's trie should take");
  // A trie whose units point at themselves, and at places far outside: reading stays inside.
  EXPECT_EQ(error_of("tokenizer.json", with("CAAAAP////////9/AAA=")), "");
}

TEST_F(BadFiles, SentencePiece) {
  for (const char* name : {"sp_bpe", "sp_unigram"}) {
    const std::string whole = read(kTokenizerGoldens / name / "tokenizer.model");
    int failed = 0, tried = 0;
    for (std::size_t size = 0; size < whole.size(); size += 53) {
      failed += error_of("tokenizer.model", whole.substr(0, size)).empty() ? 0 : 1;
      ++tried;
    }
    // A cut between two pieces leaves a smaller model that is whole in itself; few cuts fall there.
    EXPECT_GT(failed * 10, tried * 8) << name;
  }
  const std::string unk = std::string("\x0A\x09\x0A\x05<unk>\x18\x02", 11);
  EXPECT_EQ(error_of("tokenizer.model", unk), "");
  EXPECT_HAS(error_of("tokenizer.model", unk + unk), "'<unk>' is piece 0 and piece 1");
  EXPECT_HAS(error_of("tokenizer.model", std::string("\x0A\x03\x0A\x01"
                                                     "a",
                                                     5)),
             "no piece of type unknown");
  EXPECT_HAS(error_of("tokenizer.model", std::string("\x0A\x05\x0A\x01"
                                                     "a\x18\x09",
                                                     7)),
             "has type 9");
  EXPECT_HAS(error_of("tokenizer.model", unk + std::string("\x12\x03\x98\x02\x01", 5)),
             "byte_fallback is on, but the piece <0x00> is missing");
  EXPECT_HAS(error_of("tokenizer.model", std::string("\x0A\xFF\x0A\x01"
                                                     "a",
                                                     5)),
             "bytes, but");
}

TEST_F(BadFiles, Tiktoken) {
  EXPECT_HAS(error_of("tokenizer.model", "hello world\n"), "rank should be a whole number");
  EXPECT_HAS(error_of("tokenizer.model", "IQ==\n"), "line 1: should be base64, a space and a rank");
  EXPECT_HAS(error_of("tokenizer.model", "IQ== 0\nIg== 1\n"), "no rank for the byte 0x00");
  EXPECT_HAS(error_of("tokenizer.model", "IQ== 0\nIQ== 1\n"), "has two ids");
  expect_prefixes_fail("tokenizer.model",
                       read(kTokenizerGoldens / "tiktoken" / "tokenizer.model").substr(0, 2400), 97);
}

TEST_F(BadFiles, VocabAndMerges) {
  EXPECT_HAS(error_of("vocab.json", R"({"a": 0})"), "merges.txt: no such file");
  write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_HAS(error_of("vocab.json", R"({"a": 0, "b": 1})"), "'ab' is not in the vocabulary");
  EXPECT_HAS(error_of("merges.txt", "a b c\n"), "merges.txt: line 1: should be two pieces");
  write("merges.txt", "");
  EXPECT_EQ(error(), "");
  EXPECT_HAS(error_of("vocab.json", R"({"a": [0]})"), "the id of 'a' should be a whole number");
  write("vocab.json", R"({"a": 0})");
  EXPECT_HAS(error_of("tokenizer_config.json", R"({"tokenizer_class": "CLIPTokenizer"})"),
             "tokenizer_class 'CLIPTokenizer'");
  EXPECT_HAS(error_of("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "y"}}})"),
             "the key should be a token id");
  EXPECT_HAS(error_of("tokenizer_config.json", "[]"), "an object was expected, not array");
  EXPECT_HAS(error_of("tokenizer_config.json", R"({"eos_token": 5})"), "'eos_token'");
}

TEST_F(BadFiles, VocabTxt) {
  EXPECT_HAS(error_of("vocab.txt", "a\nb\n"), "[CLS] and [SEP] should be among the pieces");
  EXPECT_HAS(error_of("vocab.txt", "a\na\n"), "'a' has two ids");
  EXPECT_HAS(error_of("vocab.txt", "[CLS]\n[SEP]\n"), "the unknown token '[UNK]' is not in the vocabulary");
}

}  // namespace
}  // namespace lq::tokenizers
