#include "tokenizers/vocab_files.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

using VocabIds = std::vector<std::int32_t>;

TokenizerConfig of_class(const std::string& name) {
  TokenizerConfig config;
  config.tokenizer_class = name;
  return config;
}

std::unique_ptr<HfTokenizer> from_merges(const std::string& vocab, const std::string& merges,
                                         const TokenizerConfig& config = {}) {
  return make_vocab_merges_tokenizer(vocab, "v", merges, "m", config);
}

const std::string kSmallVocab =
    "{\"a\": 0, \"b\": 1, \"ab\": 2, \"\u0120\": 3, \"\u0120ab\": 4, "
    "\"<|endoftext|>\": 5, \"<s>\": 6, \"</s>\": 7, \"<mask>\": 8}";
const std::string kSmallMerges = "#version: 0.2\na b\r\n\n\u0120 ab\n";

TEST(VocabFiles, WithoutAClassAsGpt2) {
  const auto t = from_merges(kSmallVocab, kSmallMerges);
  EXPECT_EQ(t->encode("ab abb", true), (VocabIds{2, 4, 1}));
  EXPECT_EQ(t->decode(VocabIds{2, 4, 1}, false), "ab abb");
  EXPECT_EQ(t->bos_id(), 5);
  EXPECT_EQ(t->eos_id(), 5);
  EXPECT_EQ(t->encode("ab<|endoftext|>", false), (VocabIds{2, 5}));
  EXPECT_EQ(t->decode(VocabIds{2, 5}, true), "ab");
  EXPECT_EQ(t->kind(), "BPE vocab.json + merges.txt");
  EXPECT_TRUE(t->pair_parts().empty());
}

TEST(VocabFiles, ThePrefixSpaceIsTheConfigurations) {
  TokenizerConfig config = of_class("GPT2Tokenizer");
  EXPECT_EQ(from_merges(kSmallVocab, kSmallMerges, config)->encode("ab", false), (VocabIds{2}));
  config.add_prefix_space = true;
  EXPECT_EQ(from_merges(kSmallVocab, kSmallMerges, config)->encode("ab", false), (VocabIds{4}));
}

TEST(VocabFiles, RobertaPutsItsTokensAroundTheText) {
  TokenizerConfig config = of_class("RobertaTokenizer");
  config.special.push_back({.content = "<mask>", .special = true});
  const auto t = from_merges(kSmallVocab, kSmallMerges, config);
  EXPECT_EQ(t->encode("ab", true), (VocabIds{6, 2, 7}));
  EXPECT_EQ(t->encode("ab <mask>", false), (VocabIds{2, 8})) << "the mask takes the space before it";
  EXPECT_EQ(t->pair_parts().size(), 6U) << "<s> A </s></s> B </s>";
  EXPECT_EQ(t->bos_id(), 6);
  io_test::expect_error(ErrorCode::kCorruptFile, {"v: BartTokenizer needs <s> and </s> in the vocabulary"},
                        [] { from_merges(R"({"a": 0, "<s>": 1})", "", of_class("BartTokenizer")); });
  config.eos = "<other>";
  io_test::expect_error(ErrorCode::kCorruptFile, {"v: '<s>' or '<other>' is not in the vocabulary"},
                        [&] { from_merges(kSmallVocab, kSmallMerges, config); });
}

TEST(VocabFiles, Qwen2ComposesCharactersAndCutsDigitsApart) {
  const std::string vocab = "{\"1\": 0, \"2\": 1, \"12\": 2, \"\u00C3\": 3, \"\u00A9\": 4, \"e\": 5}";
  EXPECT_EQ(from_merges(vocab, "1 2\n")->encode("12", false), (VocabIds{2}));
  const auto qwen = from_merges(vocab, "1 2\n", of_class("Qwen2Tokenizer"));
  EXPECT_EQ(qwen->encode("12", false), (VocabIds{0, 1}));
  EXPECT_EQ(qwen->encode("e\u0301", false), (VocabIds{3, 4})) << "as the composed character's bytes";
  EXPECT_EQ(qwen->eos_id(), std::nullopt) << "no defaults of its own";
}

TEST(VocabFiles, RefusesMergesAndVocabularies) {
  const auto refused = [](ErrorCode code, std::string_view part, const std::string& vocab,
                          const std::string& merges, const TokenizerConfig& config = {}) {
    io_test::expect_error(code, {part}, [&] { from_merges(vocab, merges, config); });
  };
  refused(ErrorCode::kCorruptFile, "v: should be an object of pieces and ids, is array", "[]", "");
  refused(ErrorCode::kCorruptFile, "v: the id of 'a' should be a whole number, is number", R"({"a": 0.5})",
          "");
  refused(ErrorCode::kCorruptFile, "m: line 3: should be two pieces with one space between, is 'a  b'",
          kSmallVocab, "#version\n\na  b\n");
  refused(ErrorCode::kCorruptFile, "m: line 1: should be two pieces with one space between, is 'ab'",
          kSmallVocab, "ab");
  refused(ErrorCode::kUnsupported, "v: tokenizer_class 'T5Tokenizer'", kSmallVocab, "",
          of_class("T5Tokenizer"));
}

const std::string kBertVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\r\n[MASK]\nun\n##able\nhello\n\u00E9\ne\n,";

TEST(VocabFiles, VocabTxtIsBert) {
  const auto t = make_vocab_txt_tokenizer(kBertVocab, "v", {});
  EXPECT_EQ(t->vocab_size(), 11) << "the last line needs no end";
  EXPECT_EQ(t->encode("Hello, unable", true), (VocabIds{2, 7, 10, 5, 6, 3}));
  EXPECT_EQ(t->encode("hellos \u00C9", false), (VocabIds{1, 9})) << "accents go";
  EXPECT_EQ(t->encode("hello[MASK]", false), (VocabIds{7, 4}));
  EXPECT_EQ(t->decode(VocabIds{2, 7, 10, 5, 6, 3}, true), "hello, unable");
  ASSERT_EQ(t->pair_parts().size(), 5U);
  EXPECT_EQ(t->pair_parts()[3].type, 1) << "the second text";
}

TEST(VocabFiles, VocabTxtTakesTheConfigurationsSwitches) {
  TokenizerConfig config;
  config.lower_case = false;
  EXPECT_EQ(make_vocab_txt_tokenizer(kBertVocab, "v", config)->encode("Hello \u00E9", false),
            (VocabIds{1, 8}));
  config.lower_case = true;
  config.strip_accents = false;
  EXPECT_EQ(make_vocab_txt_tokenizer(kBertVocab, "v", config)->encode("Hello \u00C9", false),
            (VocabIds{7, 8}));
  io_test::expect_error(ErrorCode::kCorruptFile, {"v: no pieces"},
                        [] { make_vocab_txt_tokenizer("", "v", {}); });
}

}  // namespace
}  // namespace lq::tokenizers
