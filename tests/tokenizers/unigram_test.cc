// The best way to cut a word against all ways, on random vocabularies.
#include "tokenizers/unigram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

Vocab vocab_of(const std::vector<std::string>& pieces) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for (const std::string& piece : pieces) entries.emplace_back(piece, std::ssize(entries));
  Vocab vocab;
  vocab.build(std::move(entries), "f");
  return vocab;
}

std::vector<std::int32_t> ids_of(const UnigramModel& model, std::string_view word) {
  WordCache cache;
  WordScratch scratch{cache, {}};
  std::vector<std::int32_t> ids;
  model.encode(word, scratch, ids);
  std::vector<std::int32_t> again;  // from the cache
  model.encode(word, scratch, again);
  EXPECT_EQ(again, ids) << word;
  return ids;
}

double best_score(const std::vector<std::string>& pieces, const std::vector<double>& scores,
                  std::string_view word) {
  if (word.empty()) return 0.0;
  double best = -INFINITY;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (word.starts_with(pieces[i])) {
      best = std::max(best, scores[i] + best_score(pieces, scores, word.substr(pieces[i].size())));
    }
  }
  return best;
}

TEST(Unigram, TheBestOfAllWays) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> uniform(-9.0, -1.0);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> pieces = {"a", "b", "c"};
    while (pieces.size() < 15) {
      std::string piece;
      for (std::size_t i = 0; i < 2 + random() % 3; ++i)
        piece.push_back(static_cast<char>('a' + random() % 3));
      if (std::find(pieces.begin(), pieces.end(), piece) == pieces.end()) pieces.push_back(piece);
    }
    std::vector<double> scores;
    for (std::size_t i = 0; i < pieces.size(); ++i) scores.push_back(uniform(random));
    const UnigramModel model(vocab_of(pieces), scores, std::nullopt, false, "f");
    for (int i = 0; i < 30; ++i) {
      std::string word;
      for (std::size_t k = 0; k < 1 + random() % 10; ++k)
        word.push_back(static_cast<char>('a' + random() % 3));
      std::string joined;
      double score = 0.0;
      for (const std::int32_t id : ids_of(model, word)) {
        joined += pieces[static_cast<std::size_t>(id)];
        score += scores[static_cast<std::size_t>(id)];
      }
      EXPECT_EQ(joined, word);
      EXPECT_NEAR(score, best_score(pieces, scores, word), 1e-9) << word;
    }
  }
}

TEST(Unigram, UnknownCharacters) {
  const std::vector<std::string> pieces = {"<unk>", "a", "<0xC3>", "<0xA9>"};
  const std::vector<double> scores = {0.0, -1.0, -5.0, -5.0};
  using Ids = std::vector<std::int32_t>;
  const UnigramModel plain(vocab_of(pieces), scores, 0, false, "f");
  EXPECT_EQ(ids_of(plain, "a\u00e9\u00fca"), (Ids{1, 0, 1})) << "a run is one unknown token";
  const UnigramModel bytes(vocab_of(pieces), scores, 0, true, "f");
  EXPECT_EQ(ids_of(bytes, "a\u00e9"), (Ids{1, 2, 3}));
  EXPECT_EQ(ids_of(bytes, "a\u00fc"), (Ids{1, 0})) << "a byte without a token";
  const UnigramModel none(vocab_of(pieces), scores, std::nullopt, false, "f");
  EXPECT_THROW(ids_of(none, "z"), Error);
  EXPECT_THROW(UnigramModel(vocab_of(pieces), scores, 4, false, "f"), Error);
}

}  // namespace
}  // namespace lq::tokenizers
