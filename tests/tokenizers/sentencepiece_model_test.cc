#include "tokenizers/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

// <unk>, <s>, </s> and "a": the first ids of most files.
std::string sp_pieces() {
  return made::piece("<unk>", 0, 2) + made::piece("<s>", 0, 3) + made::piece("</s>", 0, 3) +
         made::piece("a", -1.5F, 1);
}
std::string sp_trainer(const std::string& fields) { return made::bytes_field(2, fields); }

TEST(SentencePieceModel, PiecesInOrderAndTheirDefaults) {
  const auto file = read_sentencepiece(sp_pieces() + made::bytes_field(1, made::bytes_field(1, "b")), "f");
  ASSERT_EQ(file.pieces.size(), 5U);
  EXPECT_EQ(file.unk_id, 0);
  EXPECT_EQ(file.pieces[1].text, "<s>");
  EXPECT_EQ(file.pieces[1].type, PieceType::kControl);
  EXPECT_EQ(file.pieces[3].score, -1.5F);
  EXPECT_EQ(file.pieces[4].type, PieceType::kNormal);
  EXPECT_EQ(file.pieces[4].score, 0.0F);
  EXPECT_EQ(file.kind, SentencePieceFile::Kind::kUnigram);
  EXPECT_FALSE(file.byte_fallback || file.whitespace_as_suffix);
  EXPECT_TRUE(file.add_dummy_prefix && file.remove_extra_whitespaces && file.escape_whitespaces);
  EXPECT_EQ(file.unk_surface, " \u2047 ");
  EXPECT_EQ(file.charsmap, "");
}

TEST(SentencePieceModel, TheTrainersWords) {
  const auto file = read_sentencepiece(
      sp_pieces() +
          sp_trainer(made::number_field(3, 2) + made::number_field(24, 1) + made::bytes_field(44, "?")),
      "f");
  EXPECT_EQ(file.kind, SentencePieceFile::Kind::kBpe);
  EXPECT_TRUE(file.whitespace_as_suffix);
  EXPECT_EQ(file.unk_surface, "?");
}

TEST(SentencePieceModel, TheNormalizersWords) {
  const std::string normalizer = made::bytes_field(2, "map") + made::number_field(3, 0) +
                                 made::number_field(4, 0) + made::number_field(5, 0);
  const auto file = read_sentencepiece(
      sp_pieces() + made::bytes_field(3, normalizer) + made::bytes_field(5, made::bytes_field(2, "back")),
      "f");
  EXPECT_EQ(file.charsmap, "map");
  EXPECT_EQ(file.denormalizer_charsmap, "back");
  EXPECT_FALSE(file.add_dummy_prefix || file.remove_extra_whitespaces || file.escape_whitespaces);
}

TEST(SentencePieceModel, SpecialIdsAreThoseOfControlPieces) {
  const auto plain = read_sentencepiece(sp_pieces(), "f");
  EXPECT_EQ(plain.bos, 1) << "by default";
  EXPECT_EQ(plain.eos, 2);
  EXPECT_EQ(plain.pad, std::nullopt);
  // 3 is an ordinary piece, 9 does not exist.
  const auto odd = read_sentencepiece(
      sp_pieces() +
          sp_trainer(made::number_field(41, 3) + made::number_field(42, 9) + made::number_field(43, 2)),
      "f");
  EXPECT_EQ(odd.bos, std::nullopt);
  EXPECT_EQ(odd.eos, std::nullopt);
  EXPECT_EQ(odd.pad, 2);
  const auto without = read_sentencepiece(sp_pieces() + sp_trainer(made::number_field(41, -1)), "f");
  EXPECT_EQ(without.bos, std::nullopt) << "-1 takes ten bytes";
}

TEST(SentencePieceModel, ByteFallbackNeedsAllBytes) {
  std::string bytes = sp_pieces();
  for (int b = 255; b >= 0; --b) bytes += made::piece(fmt::format("<0x{:02X}>", b), 0, 6);
  const std::string on = sp_trainer(made::number_field(35, 1));
  const auto file = read_sentencepiece(bytes + on, "f");
  EXPECT_TRUE(file.byte_fallback);
  EXPECT_EQ(file.byte_ids[255], 4);
  EXPECT_EQ(file.byte_ids[0], 4 + 255);
  const std::string less = bytes.substr(0, bytes.size() - made::piece("<0x00>", 0, 6).size());
  EXPECT_FALSE(read_sentencepiece(less, "f").byte_fallback);
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: byte_fallback is on, but the piece <0x00> is missing"},
                        [&] { read_sentencepiece(less + on, "f"); });
}

TEST(SentencePieceModel, RefusesPiecesThatCannotBe) {
  const auto refused = [](std::string_view part, const std::string& more) {
    io_test::expect_error(ErrorCode::kCorruptFile, {"f: ", part},
                          [&] { read_sentencepiece(sp_pieces() + more, "f"); });
  };
  refused("piece 4 is empty", made::piece("", 0, 1));
  refused("piece 4 is not UTF-8", made::piece("\xC3", 0, 1));
  refused("the score of piece 4 is not a number", made::piece("b", std::nanf(""), 1));
  refused("piece 4 has type 7, should be 1 to 6", made::piece("b", 0, 7));
  refused("piece 4 has type 0, should be 1 to 6", made::piece("b", 0, 0));
  refused("'a' is piece 3 and piece 4", made::piece("a", 0, 4));
  refused("pieces 0 and 4 both are of type unknown", made::piece("b", 0, 2));
  refused("byte piece 4 is '<0x0a>', should be like <0x0A>", made::piece("<0x0a>", 0, 6));
  io_test::expect_error(ErrorCode::kUnsupported, {"f: model type 3 (expected 1, unigram, or 2, BPE)"},
                        [] { read_sentencepiece(sp_pieces() + sp_trainer(made::number_field(3, 3)), "f"); });
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: no pieces: not a SentencePiece model, or cut off"},
                        [] { read_sentencepiece("", "f"); });
}

TEST(SentencePieceModel, LooksUnlikeALineOfText) {
  EXPECT_TRUE(looks_like_sentencepiece(sp_pieces()));
  EXPECT_FALSE(looks_like_sentencepiece("IQ== 0\n"));
  EXPECT_FALSE(looks_like_sentencepiece("\n\n"));
  EXPECT_FALSE(looks_like_sentencepiece("\nIQ== 0\n"));
  EXPECT_FALSE(looks_like_sentencepiece(""));
}

}  // namespace
}  // namespace lq::tokenizers
