#include <gtest/gtest.h>

#include "formats/gguf/gguf_tokenizer.h"
#include "formats/gguf/gguf_writer.h"
#include "support/io_test_util.h"
#include "tokenizers/sentencepiece_model.h"

namespace lq {
namespace {

std::string model_of(const GgufTokens& tokens, const GgufKeys& keys) {
  GgufHeader layout;
  const std::string file = make_gguf_header(keys, {}, layout);
  const GgufHeader header = parse_gguf(reinterpret_cast<const std::byte*>(file.data()), file.size(), "f");
  return gguf_sentencepiece_model(tokens, GgufMetadata(header.values, "f"));
}

TEST(GgufSentencePiece, TheModelHasPiecesScoresTypesAndSettings) {
  GgufTokens tokens;
  tokens.texts = {"<unk>", "<s>", "\u2581a", "</s>"};
  tokens.types = {GgufTokenType::kUnknown, GgufTokenType::kControl, GgufTokenType::kNormal,
                  GgufTokenType::kControl};
  tokens.scores = {0.0F, 0.0F, -1.5F, 0.0F};
  tokens.bos = 1;
  tokens.eos = 3;
  tokens.unk = 0;
  GgufKeys keys;
  keys.flag("tokenizer.ggml.add_space_prefix", false);
  const auto read = tokenizers::read_sentencepiece(model_of(tokens, keys), "f");
  ASSERT_EQ(read.pieces.size(), 4U);
  EXPECT_EQ(read.pieces[2].text, "\u2581a");
  EXPECT_EQ(read.pieces[2].score, -1.5F);
  EXPECT_EQ(read.kind, tokenizers::SentencePieceFile::Kind::kBpe);
  EXPECT_EQ(read.bos, 1);
  EXPECT_EQ(read.eos, 3);
  EXPECT_EQ(read.pad, std::nullopt);
  EXPECT_EQ(read.unk_id, 0);
  EXPECT_FALSE(read.add_dummy_prefix);
  EXPECT_FALSE(read.remove_extra_whitespaces);
  EXPECT_FALSE(read.byte_fallback);
  EXPECT_TRUE(tokenizers::read_sentencepiece(model_of(tokens, {}), "f").add_dummy_prefix);
}

TEST(GgufSentencePiece, EveryTokenNeedsAScore) {
  GgufTokens tokens;
  tokens.texts = {"<unk>"};
  tokens.types = {GgufTokenType::kUnknown};
  io_test::expect_error(ErrorCode::kCorruptFile, {"tokenizer.ggml.scores has 0 entries for 1"},
                        [&] { (void)model_of(tokens, {}); });
}

}  // namespace
}  // namespace lq
