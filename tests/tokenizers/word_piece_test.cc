#include "tokenizers/word_piece.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

using Ids = std::vector<std::int32_t>;

WordPieceModel word_piece_model(const std::vector<std::string>& pieces, WordPieceOptions options = {}) {
  return {made::vocab(pieces), std::move(options), "f"};
}

// The example of BERT's own code.
TEST(WordPiece, TheLongestPieceFirst) {
  const WordPieceModel model = word_piece_model({"[UNK]", "un", "##aff", "##able", "##a", "##ff", "able"});
  EXPECT_EQ(made::ids(model, "unaffable"), (Ids{1, 2, 3}));
  EXPECT_EQ(made::ids(model, "able"), (Ids{6})) << "without the prefix at a word's start";
  EXPECT_EQ(made::ids(model, "unffa"), (Ids{1, 5, 4}));
  EXPECT_EQ(made::ids(model, ""), (Ids{}));
}

TEST(WordPiece, AWordThatDoesNotEndWellIsUnknownAsAWhole) {
  const WordPieceModel model = word_piece_model({"[UNK]", "a", "ab", "##bc"});
  EXPECT_EQ(made::ids(model, "abc"), (Ids{0})) << "ab was longer than a: no way back to a ##bc";
  EXPECT_EQ(made::ids(model, "z"), (Ids{0}));
}

TEST(WordPiece, WhatStoodInTheListStays) {
  const WordPieceModel model = word_piece_model({"[UNK]", "a", "ab"});
  WordCache cache;
  WordScratch scratch{cache, {}};
  Ids out = {7};
  model.encode("abz", scratch, out);
  model.encode("a", scratch, out);
  EXPECT_EQ(out, (Ids{7, 0, 1}));
}

TEST(WordPiece, TooLongIsCountedInCharacters) {
  WordPieceOptions options;
  options.max_characters = 3;
  const WordPieceModel model = word_piece_model({"[UNK]", "\u00E9", "##\u00E9"}, options);
  EXPECT_EQ(made::ids(model, "\u00E9\u00E9\u00E9"), (Ids{1, 2, 2}));
  EXPECT_EQ(made::ids(model, "\u00E9\u00E9\u00E9\u00E9"), (Ids{0}));
}

// The first two bytes of U+4E2D are those of U+4E2F; a piece may not end between.
TEST(WordPiece, PiecesEndAtCharacters) {
  const WordPieceModel model = word_piece_model({"[UNK]", "\u4E2D", "##\u4E2F", "##\u4E2F\u4E2D"});
  EXPECT_EQ(made::ids(model, "\u4E2D\u4E2F"), (Ids{1, 2}));
  EXPECT_EQ(made::ids(model, "\u4E2D\u4E2F\u4E2D"), (Ids{1, 3}));
  EXPECT_EQ(made::ids(model, "\u4E2D\u4E2D"), (Ids{0}));
}

TEST(WordPiece, OtherNamesForPrefixAndUnknown) {
  WordPieceOptions options;
  options.unk = "?";
  options.prefix = "";
  const WordPieceModel model = word_piece_model({"?", "a", "ba"}, options);
  EXPECT_EQ(made::ids(model, "aba"), (Ids{1, 2}));
  EXPECT_EQ(made::ids(model, "abc"), (Ids{0}));
}

TEST(WordPiece, AnUnknownTokenThatIsMissingIsNamedWhenNeeded) {
  const WordPieceModel model = word_piece_model({"a"});
  EXPECT_EQ(made::ids(model, "a"), (Ids{0}));
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"f: 'az' is not in the vocabulary, and neither is the unknown token '[UNK]'"},
                        [&] { made::ids(model, "az"); });
}

TEST(WordPiece, ALongWordPassesTheCacheBy) {
  const std::string word(WordCache::kMaxBytes + 1, 'a');
  EXPECT_EQ(made::ids(word_piece_model({"[UNK]", word, "a"}), word), (Ids{1}));
}

TEST(WordLevel, AWordIsOneTokenOrUnknown) {
  const WordLevelModel model(made::vocab({"<unk>", "a", "a b"}), "<unk>", "f");
  EXPECT_EQ(made::ids(model, "a b"), (Ids{2}));
  EXPECT_EQ(made::ids(model, "aa"), (Ids{0}));
  EXPECT_EQ(made::ids(model, "<unk>"), (Ids{0}));
  const WordLevelModel bare(made::vocab({"a"}), "<none>", "f");
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"f: 'b' is not in the vocabulary, and neither is the unknown token '<none>'"},
                        [&] { made::ids(bare, "b"); });
}

}  // namespace
}  // namespace lq::tokenizers
