#include "tokenizers/bpe.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"

namespace lq::tokenizers {
namespace {

using Ids = std::vector<std::int32_t>;

BpeModel bpe_model(const std::vector<std::string>& pieces, const BpeModel::Merges& merges,
                   BpeOptions options = {}) {
  return {made::vocab(pieces), merges, std::move(options), "f"};
}

TEST(Bpe, TheLowestRankMergesFirstWhereverItStands) {
  const std::vector<std::string> pieces = {"a", "b", "c", "ab", "bc", "abc"};
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"b", "c"}, {"a", "b"}}), "abc"), (Ids{0, 4}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"a", "b"}, {"b", "c"}}), "abc"), (Ids{3, 2}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"ab", "c"}, {"a", "b"}}), "abc"), (Ids{5}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {}), "cab"), (Ids{2, 0, 1}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {}), ""), (Ids{}));
}

TEST(Bpe, TheLeftmostOfEqualsMergesFirst) {
  EXPECT_EQ(made::ids(bpe_model({"a", "aa"}, {{"a", "a"}}), "aaa"), (Ids{1, 0}));
}

// More than 48 symbols are merged with a heap: 99 = 24 * 4 + 2 + 1.
TEST(Bpe, LongWordsMergeAsShortOnes) {
  const BpeModel model = bpe_model({"a", "aa", "aaaa"}, {{"a", "a"}, {"aa", "aa"}});
  Ids expected(24, 2);
  expected.push_back(1);
  expected.push_back(0);
  EXPECT_EQ(made::ids(model, std::string(99, 'a')), expected);
  EXPECT_EQ(made::ids(model, "aaaaaaa"), (Ids{2, 1, 0}));
}

TEST(Bpe, PrefixInsideAWord) {
  BpeOptions options;
  options.prefix = "##";
  const BpeModel model = bpe_model({"a", "##a", "##b", "ab"}, {{"a", "##b"}}, options);
  EXPECT_EQ(made::ids(model, "ab"), (Ids{3}));
  EXPECT_EQ(made::ids(model, "aab"), (Ids{0, 1, 2})) << "the merge is of a word's first character";
  io_test::expect_error(ErrorCode::kCorruptFile,
                        {"f: merge 0 ('a' 'b'): the right part should begin with the prefix '##'"}, [&] {
                          bpe_model({"a", "b", "ab"}, {{"a", "b"}}, options);
                        });
}

TEST(Bpe, SuffixAtAWordsEnd) {
  BpeOptions options;
  options.suffix = "</w>";
  const BpeModel model = bpe_model({"a", "b", "a</w>", "b</w>", "ab</w>"}, {{"a", "b</w>"}}, options);
  EXPECT_EQ(made::ids(model, "ab"), (Ids{4}));
  EXPECT_EQ(made::ids(model, "aba"), (Ids{0, 1, 2}));
  EXPECT_EQ(made::ids(model, "b"), (Ids{3}));
}

TEST(Bpe, UnknownCharactersEachOrAsOne) {
  BpeOptions options;
  EXPECT_EQ(made::ids(bpe_model({"a", "<unk>"}, {}, options), "az\u00E9a"), (Ids{0, 0})) << "left out";
  options.unk = "<unk>";
  EXPECT_EQ(made::ids(bpe_model({"a", "<unk>"}, {}, options), "az\u00E9az"), (Ids{0, 1, 1, 0, 1}));
  options.fuse_unk = true;
  EXPECT_EQ(made::ids(bpe_model({"a", "<unk>"}, {}, options), "az\u00E9az"), (Ids{0, 1, 0, 1}));
}

TEST(Bpe, AnUnknownTokenThatIsMissingIsNamedWhenNeeded) {
  BpeOptions options;
  options.unk = "<unk>";
  const BpeModel model = bpe_model({"a"}, {}, options);
  EXPECT_EQ(made::ids(model, "aa"), (Ids{0, 0}));
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"f: 'z' is not in the vocabulary, and neither is the unknown token '<unk>'"},
                        [&] { made::ids(model, "az"); });
}

TEST(Bpe, ByteFallbackWhereAllBytesOfACharacterHaveTokens) {
  BpeOptions options;
  options.unk = "<unk>";
  options.byte_fallback = true;
  const BpeModel model = bpe_model({"a", "<unk>", "<0xC3>", "<0xA9>"}, {}, options);
  EXPECT_EQ(made::ids(model, "a\u00E9"), (Ids{0, 2, 3}));
  EXPECT_EQ(made::ids(model, "a\u00E8"), (Ids{0, 1})) << "C3 A8: one byte has none";
}

TEST(Bpe, IgnoreMergesTakesAWordThatIsAToken) {
  BpeOptions options;
  EXPECT_EQ(made::ids(bpe_model({"a", "b", "ab"}, {}, options), "ab"), (Ids{0, 1}));
  options.ignore_merges = true;
  const BpeModel model = bpe_model({"a", "b", "ab"}, {}, options);
  EXPECT_EQ(made::ids(model, "ab"), (Ids{2}));
  EXPECT_EQ(made::ids(model, "aab"), (Ids{0, 0, 1})) << "only the whole word";
}

TEST(Bpe, ByteLevelWordsAreRawBytes) {
  BpeOptions options;
  options.byte_level = true;
  const BpeModel model =
      bpe_model({"a", "\u0120", "\u0120a", "\u00C3", "\u00A9"}, {{"\u0120", "a"}}, options);
  EXPECT_EQ(made::ids(model, " aa"), (Ids{2, 0}));
  EXPECT_EQ(made::ids(model, "\u00E9"), (Ids{3, 4}));
  EXPECT_EQ(made::ids(model, "\xC3"), (Ids{3})) << "half a character is bytes too";
}

// A whole text as one word is cut before its markers, unless a merge crosses one.
TEST(Bpe, MergesAcrossAMarkerStayPossible) {
  const std::vector<std::string> pieces = {"\u2581", "a", "\u2581a", "a\u2581"};
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"\u2581", "a"}}), "\u2581a\u2581\u2581a"), (Ids{2, 0, 2}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"\u2581", "a"}}), "a\u2581a"), (Ids{1, 2}));
  EXPECT_EQ(made::ids(bpe_model(pieces, {{"a", "\u2581"}, {"\u2581", "a"}}), "\u2581a\u2581a"),
            (Ids{0, 3, 1}));
}

TEST(Bpe, NamesTheMergeThatTheVocabularyDoesNotHave) {
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: merge 1 ('b' 'a'): 'ba' is not in the vocabulary"}, [] {
    bpe_model({"a", "b", "ab"}, {{"a", "b"}, {"b", "a"}});
  });
  io_test::expect_error(ErrorCode::kCorruptFile, {"f: merge 0 ('x' 'b'): 'x' is not in the vocabulary"}, [] {
    bpe_model({"a", "b", "xb"}, {{"x", "b"}});
  });
}

}  // namespace
}  // namespace lq::tokenizers
