// The two ways of SentencePiece to cut normalized text into pieces.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "tokenizers/sentencepiece.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr float kUnknownPenalty = 10.0F;
constexpr int kMaxUnusedDepth = 100;  // of unused pieces within unused pieces

bool space_inside(std::string_view piece) {
  for (std::size_t at = piece.find(kVisibleSpace); at != std::string_view::npos;
       at = piece.find(kVisibleSpace, at + 1)) {
    if (at > 0 && !piece.substr(0, at).ends_with(kVisibleSpace)) return true;
  }
  return false;
}

}  // namespace

void SentencePieceTokenizer::prepare_bpe() {
  // Pairs merge by falling score; equal scores, leftmost first: equal ranks.
  std::vector<std::int32_t> order;
  for (std::int32_t id = 0; id < vocab_.size(); ++id) order.push_back(id);
  const auto score = [this](std::int32_t id) { return file_.pieces[static_cast<std::size_t>(id)].score; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) > score(b); });
  ranks_.resize(order.size());
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && score(order[i]) != score(order[i - 1])) ++rank;
    ranks_[static_cast<std::size_t>(order[i])] = rank;
  }
  cuts_at_space_ = mergeable_.find(kVisibleSpace) != Vocab::kNone;
  for (std::int32_t id = 0; id < mergeable_.size() && cuts_at_space_; ++id) {
    if (mergeable_.has(id)) cuts_at_space_ = !space_inside(mergeable_.piece(id));
  }
}

void SentencePieceTokenizer::encode_bpe(std::string_view text, WordCache& cache, BpeScratch& scratch,
                                        Ids& out) const {
  if (!cuts_at_space_) return encode_bpe_word(text, scratch, out);
  // No piece crosses from another character to U+2581, so what lies between such places merges by itself.
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (text.substr(end).starts_with(kVisibleSpace)) end += kVisibleSpace.size();
    end = std::min(text.find(kVisibleSpace, end), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    if (!WordCache::fits(word)) {
      encode_bpe_word(word, scratch, out);
      continue;
    }
    const std::uint64_t hash = WordCache::hash(word);
    if (cache.append(word, hash, out)) continue;
    const std::size_t before = out.size();
    encode_bpe_word(word, scratch, out);
    cache.store(word, hash, out.data() + before, out.size() - before);
  }
}

void SentencePieceTokenizer::encode_bpe_word(std::string_view word, BpeScratch& scratch, Ids& out) const {
  constexpr std::int32_t kFrozen = -2;  // a user-defined piece: never merged with its neighbours
  auto& symbols = scratch.symbols;
  symbols.clear();
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t frozen = normalizer_.user_defined(word, at);
    const std::size_t size = frozen > 0 ? frozen : utf8::size_of(word[at]);
    symbols.push_back(
        {frozen > 0 ? kFrozen : -1, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size)});
    at += size;
  }
  bpe_merge(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) -> Merged {
    if (left.id == kFrozen || right.id == kFrozen) return {};
    const std::int32_t id = mergeable_.find(word.substr(left.begin, left.size + right.size));
    if (id == Vocab::kNone) return {};
    return {ranks_[static_cast<std::size_t>(id)], id};
  });
  bool unknown_before = false;
  for (const BpeSymbol& s : symbols) {
    const std::string_view text = word.substr(s.begin, s.size);
    std::int32_t id = vocab_.find(text);
    if (id == Vocab::kNone) id = file_.unk_id;
    if (type(id) == PieceType::kUnused) {
      resegment(text, out, 0);
      unknown_before = false;
    } else if (id != file_.unk_id || file_.byte_fallback || !unknown_before) {
      emit(text, id, out);
      unknown_before = id == file_.unk_id;
    }
  }
}

void SentencePieceTokenizer::resegment(std::string_view text, Ids& out, int depth) const {
  std::int32_t id = vocab_.find(text);
  if (id == Vocab::kNone) id = file_.unk_id;
  std::size_t split = 0;
  if (type(id) == PieceType::kUnused && depth < kMaxUnusedDepth) {
    // An unused piece is shown as the two it was made of: replay the merges of its characters up to the last
    // one.
    BpeScratch scratch;
    std::size_t last = 0;
    for (std::size_t at = 0; at < text.size(); at += utf8::size_of(text[at])) {
      scratch.symbols.push_back(
          {-1, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(utf8::size_of(text[at]))});
    }
    bpe_merge(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) -> Merged {
      const std::int32_t merged = mergeable_.find(text.substr(left.begin, left.size + right.size));
      if (merged == Vocab::kNone) return {};
      if (left.size + right.size == text.size()) last = right.begin;
      return {ranks_[static_cast<std::size_t>(merged)], merged};
    });
    split = last;
  }
  if (split == 0) return emit(text, id, out);
  resegment(text.substr(0, split), out, depth + 1);
  resegment(text.substr(split), out, depth + 1);
}

void SentencePieceTokenizer::prepare_unigram() {
  min_score_ = std::numeric_limits<float>::max();
  max_score_ = std::numeric_limits<float>::min();
  for (std::size_t i = 0; i < file_.pieces.size(); ++i) {
    const auto& piece = file_.pieces[i];
    if (piece.type == PieceType::kNormal) {
      min_score_ = std::min(min_score_, piece.score);
      max_score_ = std::max(max_score_, piece.score);
    }
    const bool matches = piece.type == PieceType::kNormal || piece.type == PieceType::kUserDefined;
    if (matches) trie_.insert(piece.text, static_cast<std::int32_t>(i));
  }
}

void SentencePieceTokenizer::encode_unigram(std::string_view text, Ids& out) const {
  struct Node {
    float score = 0.0F;
    std::int32_t begin = -1;
    std::int32_t id = -1;
  };
  LQ_CHECK(text.size() < (std::size_t{1} << 31), kUnsupported, "a text of {} bytes in one piece",
           text.size());
  std::vector<Node> best(text.size() + 1);
  const float unknown = min_score_ - kUnknownPenalty;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8::size_of(text[at]);
    const float before = best[at].score;
    bool single = false;
    // Sums are compared in double and kept in float, as sentencepiece does: ties and near-ties fall the same
    // way.
    const auto offer = [&](std::size_t length, std::int32_t id, double score) {
      Node& node = best[at + length];
      const double candidate = score + before;
      if (node.begin >= 0 && !(candidate > node.score)) return;
      node = {static_cast<float>(candidate), static_cast<std::int32_t>(at), id};
    };
    trie_.prefixes(text, at, [&](std::size_t length, std::int32_t id) {
      const double score = type(id) == PieceType::kUserDefined
                               ? static_cast<double>(static_cast<float>(length) * max_score_) - 0.1
                               : static_cast<double>(file_.pieces[static_cast<std::size_t>(id)].score);
      offer(length, id, score);
      single = single || length == size;
    });
    if (!single) {
      Node& node = best[at + size];
      const float candidate = unknown + before;
      if (node.begin < 0 || candidate > node.score)
        node = {candidate, static_cast<std::int32_t>(at), file_.unk_id};
    }
    at += size;
  }
  struct Cut {
    std::size_t begin, end;
    std::int32_t id;
  };
  std::vector<Cut> cuts;
  for (std::size_t end = text.size(); end > 0; end = static_cast<std::size_t>(best[end].begin)) {
    cuts.push_back({static_cast<std::size_t>(best[end].begin), end, best[end].id});
  }
  bool unknown_before = false;
  for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut) {
    const bool is_unknown = cut->id == file_.unk_id;
    // A run of unknown pieces is one.
    if (!is_unknown || file_.byte_fallback || !unknown_before)
      emit(text.substr(cut->begin, cut->end - cut->begin), cut->id, out);
    unknown_before = is_unknown;
  }
}

}  // namespace lq::tokenizers
