#include "tokenizers/decoder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

// What a decoder leaves of these tokens, with bars between.
std::string decoded_tokens(const std::string& spec, std::vector<std::string> tokens) {
  make_decoder(nlohmann::json::parse(spec), "f")->apply(tokens);
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) out.append(i > 0 ? "|" : "").append(tokens[i]);
  return out;
}

TEST(Decoder, NullIsNone) { EXPECT_EQ(make_decoder(nullptr, "f"), nullptr); }

TEST(Decoder, ByteLevelPutsCharactersTogetherThatTokensCutApart) {
  const std::string spec = R"({"type": "ByteLevel"})";
  EXPECT_EQ(decoded_tokens(spec, {"a\u00C3", "\u00A9\u0120b"}), "a\u00E9 b");
  EXPECT_EQ(decoded_tokens(spec, {"a", "two words", "b"}), "atwo wordsb") << "a space names no byte";
  EXPECT_EQ(decoded_tokens(spec, {"a\u00C3", "b"}), "a\uFFFDb");
  EXPECT_EQ(decoded_tokens(spec, {}), "");
}

TEST(Decoder, ByteFallbackReadsRunsOfBytesAllOrNothing) {
  const std::string spec = R"({"type": "ByteFallback"})";
  EXPECT_EQ(decoded_tokens(spec, {"a", "<0xC3>", "<0xa9>", "b"}), "a|\u00E9|b");
  EXPECT_EQ(decoded_tokens(spec, {"<0x41>", "<0xC3>", "b"}), "\uFFFD|\uFFFD|b")
      << "the good byte is lost too";
  EXPECT_EQ(decoded_tokens(spec, {"<0x4G>", "<0x4>", "<0x041>", "<1x41>"}), "<0x4G>|<0x4>|<0x041>|<1x41>");
}

TEST(Decoder, FuseMakesOneToken) {
  EXPECT_EQ(decoded_tokens(R"({"type": "Fuse"})", {"a", "", "bc"}), "abc");
  EXPECT_EQ(decoded_tokens(R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
                               {"type": "Strip", "content": "a", "start": 1}]})",
                           {"a", "a"}),
            "a");
}

TEST(Decoder, WordPieceJoinsWordsAndCleansUp) {
  EXPECT_EQ(decoded_tokens(R"({"type": "WordPiece"})", {"##un", "##able", "##", "to", ".", "n't"}),
            "##un|able|| to|.|n't")
      << "the first token keeps its prefix";
  EXPECT_EQ(decoded_tokens(R"({"type": "WordPiece", "cleanup": false})", {"to", "##day", "."}), "to|day| .");
  EXPECT_EQ(decoded_tokens(R"({"type": "WordPiece", "prefix": "@"})", {"to", "@day", "##s"}), "to|day| ##s");
}

TEST(Decoder, CtcDropsRepeatsThenPadding) {
  const std::vector<std::string> tokens = {"<pad>", "h", "h", "<pad>", "h", "/", "e", "e"};
  EXPECT_EQ(decoded_tokens(R"({"type": "CTC", "word_delimiter_token": "/"})", tokens), "h|h| |e");
  EXPECT_EQ(decoded_tokens(R"({"type": "CTC", "word_delimiter_token": "/", "cleanup": false})", tokens),
            "h|h|/|e");
  EXPECT_EQ(decoded_tokens(R"({"type": "CTC", "pad_token": "h"})", {"h", "x"}), "x");
}

TEST(Decoder, MetaspaceDropsTheMarkersOfTheFirstTokenWhereItPrepends) {
  const std::vector<std::string> tokens = {"\u2581\u2581a", "\u2581b\u2581c"};
  EXPECT_EQ(decoded_tokens(R"({"type": "Metaspace"})", tokens), "a| b c");
  EXPECT_EQ(decoded_tokens(R"({"type": "Metaspace", "prepend_scheme": "never"})", tokens), "  a| b c");
  EXPECT_EQ(decoded_tokens(R"({"type": "Metaspace", "add_prefix_space": false})", tokens), "  a| b c");
  EXPECT_EQ(decoded_tokens(R"({"type": "Metaspace", "add_prefix_space": false, "prepend_scheme": "first"})",
                           tokens),
            "a| b c")
      << "the newer name counts";
  EXPECT_EQ(decoded_tokens(R"({"type": "Metaspace", "replacement": "_"})", {"_a", "_b"}), "a| b");
}

TEST(Decoder, StripTakesAtMostSoManyOffEachEnd) {
  const std::string spec = R"({"type": "Strip", "content": "_", "start": 2, "stop": 1})";
  EXPECT_EQ(decoded_tokens(spec, {"___a__", "_b", "c", "___", "__", ""}), "_a_|b|c|||");
  EXPECT_EQ(decoded_tokens(R"({"type": "Strip"})", {" a "}), " a ") << "both counts are 0 by default";
  EXPECT_EQ(decoded_tokens(R"({"type": "Strip", "start": -3, "stop": -1})", {" a "}), " a ");
}

TEST(Decoder, ReplaceRewritesEachTokenByItself) {
  EXPECT_EQ(decoded_tokens(R"({"type": "Replace", "pattern": {"String": "ab"}, "content": "x"})",
                           {"abab", "a", "b"}),
            "xx|a|b");
  EXPECT_EQ(decoded_tokens(R"({"type": "Replace", "pattern": {"Regex": "[0-9]+"}})", {"a12b3"}), "ab");
  EXPECT_EQ(decoded_tokens(R"({"type": "Replace", "pattern": {"String": "a"}, "content": "b"})", {"a\xFF"}),
            "b\uFFFD")
      << "bytes that are not UTF-8 are repaired before";
}

TEST(Decoder, BpeDecoderTurnsWordEndsIntoSpaces) {
  EXPECT_EQ(decoded_tokens(R"({"type": "BPEDecoder"})", {"he", "y</w>", "you</w>"}), "he|y |you");
  EXPECT_EQ(decoded_tokens(R"({"type": "BPEDecoder", "suffix": "!"})", {"a!", "b</w>"}), "a |b</w>");
  EXPECT_EQ(decoded_tokens(R"({"type": "BPEDecoder", "suffix": ""})", {"a", "b"}), "a|b");
}

TEST(Decoder, RefusesWhatItCannotRead) {
  const auto refused = [](ErrorCode code, std::string_view part, const std::string& spec) {
    io_test::expect_error(code, {"f: decoder: ", part},
                          [&] { make_decoder(nlohmann::json::parse(spec), "f"); });
  };
  refused(ErrorCode::kUnsupported, "decoder of type 'Other'", R"({"type": "Other"})");
  refused(ErrorCode::kCorruptFile, "key 'type' is missing", "{}");
  refused(ErrorCode::kCorruptFile, "an object was expected, not array", "[]");
  refused(ErrorCode::kCorruptFile, "key 'pattern' is missing", R"({"type": "Replace"})");
  refused(ErrorCode::kCorruptFile, "Strip: 'content' should be one character",
          R"({"type": "Strip", "content": ""})");
  refused(ErrorCode::kCorruptFile, "CTC: 'pad_token' or 'word_delimiter_token' is empty",
          R"({"type": "CTC", "pad_token": ""})");
  std::string nested = R"({"type": "Fuse"})";
  for (int depth = 1; depth < 16; ++depth) {
    nested = R"({"type": "Sequence", "decoders": [)" + nested + "]}";
  }
  EXPECT_EQ(decoded_tokens(nested, {"a", "b"}), "ab");
  refused(ErrorCode::kCorruptFile, "decoders nested more than 16 deep",
          R"({"type": "Sequence", "decoders": [)" + nested + "]}");
}

}  // namespace
}  // namespace lq::tokenizers
