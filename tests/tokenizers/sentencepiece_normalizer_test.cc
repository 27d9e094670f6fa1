#include "tokenizers/sentencepiece_normalizer.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

std::string sp_normal(const SentencePieceFile& file, std::string_view text, bool dummy_prefix = true) {
  return SentencePieceNormalizer(file, "f").apply(text, dummy_prefix);
}

TEST(SentencePieceNormalizer, ByDefaultSpacesAreSqueezedAndMadeVisible) {
  const SentencePieceFile file{};
  EXPECT_EQ(sp_normal(file, "  a  \u00E9 "), "\u2581a\u2581\u00E9");
  EXPECT_EQ(sp_normal(file, "a"), "\u2581a");
  EXPECT_EQ(sp_normal(file, "a b", false), "a\u2581b") << "not at the start of a text";
  EXPECT_EQ(sp_normal(file, "a\tb"), "\u2581a\tb") << "without a map only the space is one";
}

TEST(SentencePieceNormalizer, NoTextHasNoPrefix) {
  SentencePieceFile file;
  EXPECT_EQ(sp_normal(file, ""), "");
  EXPECT_EQ(sp_normal(file, "   "), "");
  file.remove_extra_whitespaces = false;
  EXPECT_EQ(sp_normal(file, ""), "");
  EXPECT_EQ(sp_normal(file, " "), "\u2581\u2581");
}

TEST(SentencePieceNormalizer, ExtraSpacesMayStay) {
  SentencePieceFile file;
  file.remove_extra_whitespaces = false;
  EXPECT_EQ(sp_normal(file, " a  b "), "\u2581\u2581a\u2581\u2581b\u2581");
  file.add_dummy_prefix = false;
  EXPECT_EQ(sp_normal(file, "a  b"), "a\u2581\u2581b");
}

TEST(SentencePieceNormalizer, SpacesMayStaySpaces) {
  SentencePieceFile file;
  file.escape_whitespaces = false;
  EXPECT_EQ(sp_normal(file, " a  b "), " a b");
}

TEST(SentencePieceNormalizer, TheDummyMayBeASuffix) {
  SentencePieceFile file;
  file.whitespace_as_suffix = true;
  EXPECT_EQ(sp_normal(file, "a b "), "a\u2581b\u2581");
  EXPECT_EQ(sp_normal(file, "a b ", false), "a\u2581b");
}

TEST(SentencePieceNormalizer, TheMapsLongestKeyCounts) {
  SentencePieceFile file;
  file.charsmap = made::charsmap({{"a", "x"}, {"ab", "yy"}, {"\t", " "}, {"\u200B", ""}, {"!", " ! "}});
  EXPECT_EQ(sp_normal(file, "aab"), "\u2581xyy");
  EXPECT_EQ(sp_normal(file, "\tc\t \td\u200B\t"), "\u2581c\u2581d") << "what the map makes a space is one";
  EXPECT_EQ(sp_normal(file, "c\u200Bd"), "\u2581cd");
  EXPECT_EQ(sp_normal(file, "c !d"), "\u2581c\u2581!\u2581d") << "also squeezed inside a value";
}

TEST(SentencePieceNormalizer, UserDefinedPiecesPassUntouched) {
  SentencePieceFile file;
  file.charsmap = made::charsmap({{"a", "x"}, {"b", "y"}});
  file.pieces = {
      {"ab", 0, PieceType::kUserDefined}, {"aba", 0, PieceType::kUserDefined}, {"b", 0, PieceType::kNormal}};
  EXPECT_EQ(sp_normal(file, "ab"), "\u2581ab");
  EXPECT_EQ(sp_normal(file, "abab"), "\u2581abay") << "the longest one, then b is not one of them";
  EXPECT_EQ(sp_normal(file, "ba"), "\u2581yx");
  const SentencePieceNormalizer normalizer(file, "f");
  EXPECT_EQ(normalizer.user_defined("xabax", 1), 3U);
  EXPECT_EQ(normalizer.user_defined("xabx", 1), 2U);
  EXPECT_EQ(normalizer.user_defined("xabx", 0), 0U);
  EXPECT_EQ(normalizer.user_defined("xabx", 2), 0U);
  EXPECT_EQ(SentencePieceNormalizer(SentencePieceFile(), "f").user_defined("ab", 0), 0U);
}

TEST(SentencePieceNormalizer, RefusesABrokenMap) {
  SentencePieceFile file;
  file.charsmap = "abc";
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: a character map of 3 bytes"},
                        [&] { SentencePieceNormalizer(file, "f"); });
}

}  // namespace
}  // namespace lq::tokenizers
