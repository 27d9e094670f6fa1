#include "tokenizers/tiktoken.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

using Ids = std::vector<std::int32_t>;

std::string rank_line(std::string_view bytes, std::size_t rank) {
  return made::base64(bytes) + ' ' + std::to_string(rank) + '\n';
}

// The 256 bytes with their values as ranks, then these pieces.
std::string rank_lines(const std::vector<std::string>& pieces = {}) {
  std::string out;
  for (std::size_t b = 0; b < 256; ++b) out += rank_line(std::string(1, static_cast<char>(b)), b);
  for (std::size_t i = 0; i < pieces.size(); ++i) out += rank_line(pieces[i], 256 + i);
  return out;
}

// Bytes and as many pieces of three as make `count` ranks.
TiktokenTokenizer with_ranks(std::size_t count) {
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i + 256 < count; ++i) {
    pieces.push_back({static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)});
  }
  return {rank_lines(pieces), {}, "f"};
}

TokenizerConfig with_token(std::int32_t id, const std::string& content, bool special = true) {
  TokenizerConfig config;
  config.added.push_back({.id = id, .content = content, .special = special});
  return config;
}

TEST(Tiktoken, MergesByTheRankOfWhatTheyMake) {
  const TiktokenTokenizer left(rank_lines({"ab", "bc"}), {}, "f");
  EXPECT_EQ(left.encode("abc", false), (Ids{256, 'c'}));
  const TiktokenTokenizer right(rank_lines({"bc", "ab"}), {}, "f");
  EXPECT_EQ(right.encode("abc", false), (Ids{'a', 256}));
  EXPECT_EQ(right.encode("abc", false), (Ids{'a', 256})) << "from the cache";
  const TiktokenTokenizer whole(rank_lines({"abcd"}), {}, "f");
  EXPECT_EQ(whole.encode("abcd", false), (Ids{256})) << "a word that is a token, though no merges lead to it";
  EXPECT_EQ(whole.encode("abcde", false), (Ids{'a', 'b', 'c', 'd', 'e'}));
}

TEST(Tiktoken, AnyOtherNumberOfRanksIsLlama3) {
  const TiktokenTokenizer t(rank_lines({"ab", "bc"}), {}, "f");
  EXPECT_EQ(t.kind(), "tiktoken ranks");
  EXPECT_EQ(t.vocab_size(), 258 + 256);
  EXPECT_EQ(t.id_of("<|begin_of_text|>"), 258);
  EXPECT_EQ(t.id_of("<|end_of_text|>"), 259);
  EXPECT_EQ(t.id_of("<|start_header_id|>"), 258 + 6);
  EXPECT_EQ(t.id_of("<|reserved_special_token_4|>"), 258 + 8);
  EXPECT_EQ(t.id_of("<|eot_id|>"), 258 + 9);
  EXPECT_EQ(t.piece(258 + 255), "<|reserved_special_token_250|>");
  EXPECT_EQ(t.encode("a", true), (Ids{258, 'a'})) << "BOS, no EOS";
  EXPECT_EQ(t.eos_id(), 259);
  EXPECT_TRUE(t.is_special(258));
  EXPECT_FALSE(t.is_special(257));
}

TEST(Tiktoken, TheNumberOfRanksNamesThePublishedEncodings) {
  const TiktokenTokenizer gpt2 = with_ranks(50256);
  EXPECT_EQ(gpt2.bos_id(), 50256);
  EXPECT_EQ(gpt2.eos_id(), 50256);
  EXPECT_EQ(gpt2.vocab_size(), 50257);
  EXPECT_EQ(gpt2.encode("a", true), (Ids{'a'})) << "GPT-2 adds nothing";
  const TiktokenTokenizer cl100k = with_ranks(100256);
  EXPECT_EQ(cl100k.bos_id(), std::nullopt);
  EXPECT_EQ(cl100k.eos_id(), 100257) << "100256 is a hole";
  EXPECT_EQ(cl100k.id_of("<|endofprompt|>"), 100276);
  EXPECT_EQ(cl100k.piece(100256), "");
  EXPECT_EQ(cl100k.encode("a 1234", false), (Ids{'a', ' ', '1', '2', '3', '4'}));
}

TEST(Tiktoken, PiecesAreWrittenInByteLevelCharacters) {
  const TiktokenTokenizer t(rank_lines({" a"}), {}, "f");
  EXPECT_EQ(t.piece(256), "\u0120a");
  EXPECT_EQ(t.id_of("\u0120a"), 256);
  EXPECT_EQ(t.id_of(" a"), std::nullopt) << "a space names no byte";
  EXPECT_EQ(t.piece(0xC3), "\u00C3");
  EXPECT_EQ(t.piece(-1), "");
}

TEST(Tiktoken, SpecialTextIsOneTokenUnlessPlain) {
  const TiktokenTokenizer t(rank_lines(), with_token(300, "<x>"), "f");
  const auto encode = [&](SpecialText how) {
    return t.encode("a<x>", EncodeOptions{.add_special = false, .special_text = how});
  };
  EXPECT_EQ(encode(SpecialText::kAsFile), (Ids{'a', 300}));
  EXPECT_EQ(encode(SpecialText::kParse), (Ids{'a', 300}));
  EXPECT_EQ(encode(SpecialText::kPlain), (Ids{'a', '<', 'x', '>'}));
}

TEST(Tiktoken, DecodesBytesAndChecksIds) {
  const TiktokenTokenizer t(rank_lines(), with_token(300, "<x>"), "f");
  EXPECT_EQ(t.decode(Ids{0xC3, 0xA9, 300}, false), "\u00E9<x>");
  EXPECT_EQ(t.decode(Ids{0xC3, 0xA9, 300}, true), "\u00E9");
  EXPECT_EQ(t.decode(Ids{'a', 0xC3}, false), "a\uFFFD");
  EXPECT_EQ(t.decode(Ids{'a', 280, 'b'}, false), "ab") << "a hole gives nothing";
  for (const std::int32_t id : {-1, 301}) {
    io_test::expect_error(ErrorCode::kInvalidArgument,
                          {fmt::format("decode: token id {} is not in [0, 301)", id)},
                          [&] { t.decode(Ids{id}, false); });
  }
}

TEST(Tiktoken, TextThatIsNotUtf8IsRepairedFirst) {
  const TiktokenTokenizer t(rank_lines(), {}, "f");
  EXPECT_EQ(t.encode("\xFF", false), (Ids{0xEF, 0xBF, 0xBD}));
}

TEST(Tiktoken, TheConfigurationNamesOtherTokens) {
  TokenizerConfig config = with_token(256, "<b>");
  config.added.push_back({.id = 257, .content = "<e>", .special = true});
  config.added.push_back({.id = 258, .content = "plain", .special = false});
  config.bos = "<b>";
  config.eos = "<e>";
  config.add_eos = true;
  const TiktokenTokenizer t(rank_lines(), config, "f");
  EXPECT_EQ(t.vocab_size(), 258) << "in place of Llama 3's; only special ones count";
  EXPECT_EQ(t.encode("a", true), (Ids{256, 'a', 257}));
  config.add_bos = false;
  EXPECT_EQ(TiktokenTokenizer(rank_lines(), config, "f").encode("a", true), (Ids{'a', 257}));
}

TEST(Tiktoken, EmptyLinesAndCarriageReturnsDoNoHarm) {
  std::string text = "\n\r\n";
  for (const char c : rank_lines()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  text.resize(text.size() - 2);  // no end of the last line
  EXPECT_EQ(TiktokenTokenizer(text, {}, "f").encode("a", false), (Ids{'a'}));
}

TEST(Tiktoken, RefusesWhatIsNoListOfRanks) {
  const auto refused = [](std::string_view part, const std::string& text,
                          const TokenizerConfig& config = {}) {
    io_test::expect_error(ErrorCode::kCorruptFile, {"f: ", part},
                          [&] { TiktokenTokenizer(text, config, "f"); });
  };
  refused("no ranks", "\n\n");
  refused("line 2: the rank should be a whole number", "IQ== 0\nIg== -1\n");
  refused("line 1: the rank should be a whole number", "IQ== 0 1\n");
  refused("line 1: a token of no bytes", "==== 0\n");
  refused("line 3: character 0x2a is not base64", "IQ== 0\n\nI*== 1\n");
  refused("special token 'x' has id 65, which is a rank too", rank_lines(), with_token(65, "x"));
  refused("special token 'x' has id 2000000, with 256 ranks", rank_lines(), with_token(2000000, "x"));
}

}  // namespace
}  // namespace lq::tokenizers
