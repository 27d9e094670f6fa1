// How text is cut into pieces, by hand and against all ways to cut it; real models against the library:
// tests/tokenizers/tokenizer_test.cc.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "tokenizers/made_files.h"
#include "tokenizers/sentencepiece.h"

namespace lq::tokenizers {
namespace {

struct MadePiece {
  std::string text;
  float score;
  PieceType type = PieceType::kNormal;
};
using Pieces = std::vector<MadePiece>;
constexpr auto kBpeKind = SentencePieceFile::Kind::kBpe;
constexpr auto kUnigramKind = SentencePieceFile::Kind::kUnigram;

// <unk> is piece 0, the others follow; with bytes, the 256 of these come last. Spaces stay as they are, but
// for their looks.
SentencePieceTokenizer piece_cutter(SentencePieceFile::Kind kind, const Pieces& pieces, bool bytes = false) {
  std::string file = made::piece("<unk>", 0, 2);
  for (const MadePiece& p : pieces) file += made::piece(p.text, p.score, static_cast<std::int64_t>(p.type));
  for (int b = 0; bytes && b < 256; ++b) file += made::piece(fmt::format("<0x{:02X}>", b), 0, 6);
  file += made::bytes_field(
      2, made::number_field(3, static_cast<std::int64_t>(kind)) + made::number_field(35, bytes ? 1 : 0));
  file += made::bytes_field(3, made::number_field(3, 0) + made::number_field(4, 0));
  return {file, TokenizerConfig(), "f"};
}

made::Ids cut_ids(const SentencePieceTokenizer& t, std::string_view text) {
  const made::Ids ids = t.encode(text, false);
  EXPECT_EQ(t.encode(text, false), ids) << "the second time, when words are known: " << text;
  return ids;
}
made::Ids cut_ids(SentencePieceFile::Kind kind, const Pieces& pieces, std::string_view text) {
  return cut_ids(piece_cutter(kind, pieces), text);
}

// The pieces a, b, c and U+2581, and some of their strings; scores are few, so that many are equal.
Pieces random_pieces(std::mt19937& random, bool across_spaces) {
  Pieces pieces;
  const std::string letters[] = {"a", "b", "c", std::string(kVisibleSpace)};
  for (const std::string& letter : letters) pieces.push_back({letter, -9.0F});
  while (pieces.size() < 20) {
    std::string text = letters[random() % 4];
    for (std::size_t i = 0; i < 1 + random() % 3; ++i) text += letters[random() % (across_spaces ? 4 : 3)];
    const bool known =
        std::any_of(pieces.begin(), pieces.end(), [&](const MadePiece& p) { return p.text == text; });
    if (!known) pieces.push_back({text, -1.0F - static_cast<float>(random() % 5)});
  }
  return pieces;
}

std::string random_letters(std::mt19937& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += "abc "[random() % 4];
  return text;
}

const MadePiece* piece_named(const Pieces& pieces, const std::string& text) {
  const auto it =
      std::find_if(pieces.begin(), pieces.end(), [&](const MadePiece& p) { return p.text == text; });
  return it == pieces.end() ? nullptr : &*it;
}

// The best-scored pair of neighbours that makes a piece, the leftmost of equals, until there is none.
made::Ids merged_naively(const Pieces& pieces, const std::string& text) {
  std::vector<std::string> parts;
  for (const char c : text) parts.push_back(c == ' ' ? std::string(kVisibleSpace) : std::string(1, c));
  while (true) {
    std::size_t best = parts.size();
    float score = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const MadePiece* p = piece_named(pieces, parts[i] + parts[i + 1]);
      if (p == nullptr || p->score <= score) continue;
      best = i;
      score = p->score;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  made::Ids ids;
  for (const std::string& part : parts)
    ids.push_back(static_cast<std::int32_t>(piece_named(pieces, part) - pieces.data()) + 1);
  return ids;
}

TEST(SentencePieceEncode, BpeMergesAsTheNaiveLoop) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    const Pieces pieces = random_pieces(random, round % 2 == 1);
    const SentencePieceTokenizer t = piece_cutter(kBpeKind, pieces);
    for (const std::size_t size : {0U, 1U, 2U, 5U, 9U, 14U, 48U, 49U, 120U}) {
      const std::string text = random_letters(random, size);
      EXPECT_EQ(cut_ids(t, text), merged_naively(pieces, text)) << text;
    }
    const std::string word(150, 'a');
    EXPECT_EQ(cut_ids(t, word), merged_naively(pieces, word));
  }
}

TEST(SentencePieceEncode, UnigramFindsTheBestOfAllWays) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    const Pieces pieces = random_pieces(random, true);
    const SentencePieceTokenizer t = piece_cutter(kUnigramKind, pieces);
    for (const std::size_t size : {1U, 2U, 7U, 40U}) {
      std::string text = random_letters(random, size), seen;
      float score = 0.0F;
      for (const std::int32_t id : cut_ids(t, text)) {
        ASSERT_GT(id, 0);
        seen += pieces[static_cast<std::size_t>(id) - 1].text;
        score += pieces[static_cast<std::size_t>(id) - 1].score;
      }
      for (std::size_t at = text.find(' '); at != std::string::npos; at = text.find(' '))
        text.replace(at, 1, kVisibleSpace);
      EXPECT_EQ(seen, text);
      // Scores are whole numbers: the sums are exact.
      std::vector<float> best(text.size() + 1, -std::numeric_limits<float>::infinity());
      best[0] = 0.0F;
      for (std::size_t at = 0; at < text.size(); ++at) {
        for (const MadePiece& p : pieces) {
          if (!text.substr(at).starts_with(p.text)) continue;
          float& end = best[at + p.text.size()];
          end = std::max(end, best[at] + p.score);
        }
      }
      EXPECT_EQ(score, best.back()) << text;
    }
  }
}

TEST(SentencePieceEncode, OfEqualsTheLeftmostMergeAndTheLongerPiece) {
  Pieces pieces = {{"a", -9}, {"b", -9}, {"c", -9}, {"bc", -2}, {"ab", -2}};
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abc"), (made::Ids{5, 3}));
  pieces[3].score = -1;
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abc"), (made::Ids{1, 4}));
  EXPECT_EQ(cut_ids(kUnigramKind, {{"a", -1}, {"b", -1}, {"ab", -2}}, "abb"), (made::Ids{3, 2}));
}

TEST(SentencePieceEncode, UnusedPiecesAreShownAsWhatTheyWereMadeOf) {
  Pieces pieces = {{"a", -9}, {"b", -9}, {"c", -9}, {"ab", -3}, {"bc", -1}, {"abc", -4, PieceType::kUnused}};
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abcab"), (made::Ids{1, 5, 4}));
  pieces[4].type = PieceType::kUnused;
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abcab"), (made::Ids{1, 2, 3, 4}));
  EXPECT_EQ(cut_ids(kUnigramKind, pieces, "abcab"), (made::Ids{4, 3, 4})) << "they match nowhere";
  // A hundred of them within each other are opened, and no more.
  Pieces chain = {{"b", -1}, {"a", -1}};
  std::string text = "b";
  for (int i = 0; i < 150; ++i) chain.push_back({text += "a", -2, PieceType::kUnused});
  made::Ids ids(101, 2);
  ids[0] = 52;  // b and 50 letters more: chain[51]
  EXPECT_EQ(cut_ids(kBpeKind, chain, text), ids);
}

TEST(SentencePieceEncode, UserDefinedPiecesStayWhole) {
  Pieces pieces = {{"a", -1},
                   {"b", -1},
                   {"c", -1},
                   {"d", -1},
                   {"ab", -1},
                   {"abc", -1},
                   {"bc", 0, PieceType::kUserDefined}};
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abcd ab"), (made::Ids{1, 7, 4, 0, 5}));
  pieces.push_back({"bcd", 0, PieceType::kUserDefined});
  EXPECT_EQ(cut_ids(kBpeKind, pieces, "abcd"), (made::Ids{1, 8})) << "the longest";
  // Unigram: its bytes times the best score, less 0.1: 3.9 against 2 + 1.8 and 2 + 2.
  Pieces scored = {{"a", 2.0F}, {"b", 1.8F}, {"ab", 0, PieceType::kUserDefined}};
  EXPECT_EQ(cut_ids(kUnigramKind, scored, "ab"), made::Ids{3});
  scored[1].score = 2.0F;
  EXPECT_EQ(cut_ids(kUnigramKind, scored, "ab"), (made::Ids{1, 2}));
}

TEST(SentencePieceEncode, UnknownStretchesAreOneTokenOrTheirBytes) {
  const Pieces pieces = {{"a", -1}, {"b", -2}};
  for (const auto kind : {kBpeKind, kUnigramKind}) {
    const SentencePieceTokenizer plain = piece_cutter(kind, pieces);
    EXPECT_EQ(cut_ids(plain, "azz\u00e9azb"), (made::Ids{1, 0, 1, 0, 2}));
    EXPECT_EQ(cut_ids(plain, "a\xFF\xC3"), (made::Ids{1, 0})) << "malformed text is repaired first";
    EXPECT_EQ(cut_ids(plain, ""), made::Ids{});
    const SentencePieceTokenizer bytes = piece_cutter(kind, pieces, true);
    EXPECT_EQ(cut_ids(bytes, "a\u00e9z"), (made::Ids{1, 3 + 0xC3, 3 + 0xA9, 3 + 'z'}));
    EXPECT_EQ(cut_ids(bytes, "\xFF"), (made::Ids{3 + 0xEF, 3 + 0xBF, 3 + 0xBD}));
    EXPECT_EQ(cut_ids(piece_cutter(kind, {}), "abc"), made::Ids{0}) << "no pieces at all";
  }
}

TEST(SentencePieceEncode, AnUnknownCharacterCostsTenMoreThanTheWorstPiece) {
  // Unknown and "bcde": -6 - 10 - 1 = -17.
  Pieces pieces = {{"ab", -6}, {"cd", -6}, {"e", -6}, {"bcde", -1}};
  EXPECT_EQ(cut_ids(kUnigramKind, pieces, "abcde"), (made::Ids{0, 4})) << "three pieces: -18";
  pieces[1].score = pieces[2].score = -5;
  EXPECT_EQ(cut_ids(kUnigramKind, pieces, "abcde"), (made::Ids{1, 2, 3})) << "three pieces: -16";
}

}  // namespace
}  // namespace lq::tokenizers
