#include "tokenizers/unigram.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr double kBelowWorstPiece = 10.0;  // below the worst piece: SentencePiece's kUnkPenalty

}  // namespace

UnigramModel::UnigramModel(Vocab vocab, std::vector<double> scores, std::optional<std::int32_t> unk,
                           bool byte_fallback, const std::string& who)
    : scores_(std::move(scores)), unk_(unk), byte_fallback_(byte_fallback), who_(who) {
  vocab_ = std::move(vocab);
  LQ_CHECK(!unk || (*unk >= 0 && *unk < vocab_.size()), kCorruptFile,
           "{}: unk_id is {}, but there are {} pieces", who, *unk, vocab_.size());
  double worst = std::numeric_limits<double>::infinity();
  for (std::int32_t id = 0; id < vocab_.size(); ++id) {
    trie_.insert(vocab_.piece(id), id);
    worst = std::min(worst, scores_[static_cast<std::size_t>(id)]);
  }
  unk_score_ = worst - kBelowWorstPiece;
  for (int b = 0; b < 256; ++b) byte_tokens_.push_back(vocab_.find(fmt::format("<0x{:02X}>", b)));
}

void UnigramModel::encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const {
  const bool cached = WordCache::fits(word);
  const std::uint64_t hash = cached ? WordCache::hash(word) : 0;
  if (cached && scratch.cache.append(word, hash, out)) return;
  struct Node {
    double score = 0.0;  // of the best way to cut everything before here
    std::size_t begin = std::string_view::npos;
    std::int32_t id = 0;
  };
  std::vector<Node> best(word.size() + 1);
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t size = utf8::size_of(word[at]);
    const double before = best[at].score;
    bool single = false;  // the character alone is a piece
    const auto offer = [&](std::size_t length, std::int32_t id, double score) {
      Node& node = best[at + length];
      if (node.begin != std::string_view::npos && !(score + before > node.score)) return;
      node = {score + before, at, id};
    };
    trie_.prefixes(word, at, [&](std::size_t length, std::int32_t id) {
      offer(length, id, scores_[static_cast<std::size_t>(id)]);
      single = single || length == size;
    });
    if (!single) {
      LQ_CHECK(unk_.has_value(), kUnsupported, "{}: a character outside the vocabulary, and no unk_id", who_);
      offer(size, *unk_, unk_score_);
    }
    at += size;
  }
  const std::size_t first = out.size();
  for (std::size_t end = word.size(); end > 0;) {
    std::size_t begin = best[end].begin;
    const bool unknown = unk_ && best[end].id == *unk_;
    // A run of unknown characters is one unknown token.
    while (unknown && begin > 0 && best[begin].id == *unk_) begin = best[begin].begin;
    const std::string_view piece = word.substr(begin, end - begin);
    const std::int32_t id = vocab_.find(piece);
    if (id != Vocab::kNone) {
      out.push_back(id);
    } else if (byte_fallback_ && std::all_of(piece.begin(), piece.end(), [&](char b) {
                 return byte_tokens_[static_cast<unsigned char>(b)] != Vocab::kNone;
               })) {
      for (auto b = piece.rbegin(); b != piece.rend(); ++b) {
        out.push_back(byte_tokens_[static_cast<unsigned char>(*b)]);
      }
    } else {
      out.push_back(*unk_);
    }
    end = begin;
  }
  std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  if (cached) scratch.cache.store(word, hash, out.data() + first, out.size() - first);
}

}  // namespace lq::tokenizers
