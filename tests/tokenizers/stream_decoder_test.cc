#include "tokenizers/stream_decoder.h"

#include <gtest/gtest.h>

#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr std::int32_t kMark = 256;  // a special token, "<s>"
constexpr std::int32_t kHole = 257;  // an id that no token has

// A byte for each id. Like SentencePiece's, its text has no space at its very start.
class ByteTokenizer final : public Tokenizer {
 public:
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions&) const override {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override {
    std::string text;
    for (const std::int32_t id : ids) {
      if (id < kMark) text.push_back(static_cast<char>(id));
      if (id == kMark && !skip_special) text += "<s>";
    }
    if (text.starts_with(' ')) text.erase(0, 1);
    return utf8::repair(text);
  }
  std::int32_t vocab_size() const override { return kHole + 1; }
  std::string piece(std::int32_t) const override { return {}; }
  std::optional<std::int32_t> id_of(std::string_view) const override { return std::nullopt; }
  bool is_special(std::int32_t id) const override { return id == kMark; }
};

std::vector<std::int32_t> bytes_of(std::string_view text) { return ByteTokenizer().encode(text, {}); }

// What comes out of these ids, one after the other.
std::string pushed_text(StreamDecoder& stream, const std::vector<std::int32_t>& ids) {
  std::string text;
  for (const std::int32_t id : ids) text += stream.push(id);
  return text;
}

TEST(StreamDecoder, ACharacterComesWhenItIsWhole) {
  const ByteTokenizer tokenizer;
  StreamDecoder stream(tokenizer, false);
  EXPECT_EQ(stream.push('a'), "a");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push(0xB8), "");
  EXPECT_EQ(stream.push(0xAD), "\u4E2D");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, AnUnfinishedCharacterComesAtTheEnd) {
  const ByteTokenizer tokenizer;
  StreamDecoder stream(tokenizer, false);
  stream.push('a');
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "") << "once";
}

TEST(StreamDecoder, AllPiecesTogetherAreTheText) {
  const ByteTokenizer tokenizer;
  const std::string text = " One  two\n\n\u00E9\u4E2D\U0001F600   \u00E9\u00E9 \n end\u4E2D";
  StreamDecoder stream(tokenizer, false);
  std::string together;
  for (const std::int32_t id : bytes_of(text)) {
    const std::string piece = stream.push(id);
    EXPECT_TRUE(utf8::is_valid(piece));
    EXPECT_EQ(piece.find("\uFFFD"), std::string::npos);
    together += piece;
  }
  together += stream.finish();
  EXPECT_EQ(together, text.substr(1)) << "as decode gives it, without the first space";
}

TEST(StreamDecoder, ThePromptDecidesOnTheFirstSpace) {
  const ByteTokenizer tokenizer;
  StreamDecoder fresh(tokenizer, false);
  EXPECT_EQ(pushed_text(fresh, bytes_of(" a")), "a");
  StreamDecoder after(tokenizer, false, bytes_of("a long prompt"));
  EXPECT_EQ(pushed_text(after, bytes_of(" a")), " a");
  EXPECT_EQ(StreamDecoder(tokenizer, false, bytes_of("prompt")).finish(), "")
      << "its own text is not returned";
}

TEST(StreamDecoder, SpecialTokensAreShownOrSkipped) {
  const ByteTokenizer tokenizer;
  StreamDecoder shown(tokenizer, false);
  EXPECT_EQ(pushed_text(shown, {kMark, 'a'}), "<s>a");
  StreamDecoder skipped(tokenizer, true);
  EXPECT_EQ(pushed_text(skipped, {kMark, 'a', kMark}), "a");
  EXPECT_EQ(skipped.finish(), "");
}

TEST(StreamDecoder, IdsWithoutTextGiveNone) {
  const ByteTokenizer tokenizer;
  StreamDecoder stream(tokenizer, false);
  EXPECT_EQ(pushed_text(stream, std::vector<std::int32_t>(100, kHole)), "");
  EXPECT_EQ(stream.push('a'), "a");
}

// U+FFFD may be part of the text: it waits for what comes next, and then is not lost.
TEST(StreamDecoder, AReplacementCharacterInTheText) {
  const ByteTokenizer tokenizer;
  StreamDecoder stream(tokenizer, false);
  EXPECT_EQ(pushed_text(stream, bytes_of("a\uFFFDb\uFFFD")), "a\uFFFDb");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

TEST(StreamDecoder, BadBytesAreNotHeldBackForEver) {
  const ByteTokenizer tokenizer;
  StreamDecoder stream(tokenizer, false);
  const std::string together = pushed_text(stream, std::vector<std::int32_t>(40, 0xFF));
  EXPECT_TRUE(together.starts_with("\uFFFD"));
  EXPECT_TRUE(utf8::is_valid(together));
  EXPECT_TRUE(stream.push('a').ends_with('a'));
}

}  // namespace
}  // namespace lq::tokenizers
