#include "tokenizers/word_piece.h"

#include <algorithm>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {

WordPieceModel::WordPieceModel(Vocab vocab, WordPieceOptions options, const std::string& who)
    : options_(std::move(options)), who_(who) {
  vocab_ = std::move(vocab);
  unk_ = vocab_.find(options_.unk);
  for (std::int32_t id = 0; id < vocab_.size(); ++id) longest_ = std::max(longest_, vocab_.piece(id).size());
}

namespace {

// A file may name an unknown token that is only among the added ones: it does until one is needed.
std::int32_t needed_unknown(std::int32_t unk, const std::string& name, std::string_view word,
                            const std::string& who) {
  LQ_CHECK(unk != Vocab::kNone, kUnsupported,
           "{}: '{}' is not in the vocabulary, and neither is the unknown token '{}'", who, word, name);
  return unk;
}

}  // namespace

void WordPieceModel::encode(std::string_view word, WordScratch& scratch,
                            std::vector<std::int32_t>& out) const {
  if (!WordCache::fits(word)) return encode_new(word, out);
  const std::uint64_t hash = WordCache::hash(word);
  if (scratch.cache.append(word, hash, out)) return;
  const std::size_t before = out.size();
  encode_new(word, out);
  scratch.cache.store(word, hash, out.data() + before, out.size() - before);
}

void WordPieceModel::encode_new(std::string_view word, std::vector<std::int32_t>& out) const {
  const auto characters = std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
  const auto unknown = [&] { return needed_unknown(unk_, options_.unk, word, who_); };
  if (characters > options_.max_characters) return out.push_back(unknown());
  const std::size_t first = out.size();
  std::string piece;
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t end = std::min(word.size(), begin + longest_);
    while (end < word.size() && (word[end] & 0xC0) == 0x80) --end;
    std::int32_t id = Vocab::kNone;
    for (; end > begin; end = utf8::previous(word, end)) {
      if (begin > 0) {
        piece.assign(options_.prefix).append(word, begin, end - begin);
        id = vocab_.find(piece);
      } else {
        id = vocab_.find(word.substr(0, end));
      }
      if (id != Vocab::kNone) break;
    }
    if (id == Vocab::kNone) {
      out.resize(first);
      return out.push_back(unknown());
    }
    out.push_back(id);
    begin = end;
  }
}

WordLevelModel::WordLevelModel(Vocab vocab, const std::string& unk, const std::string& who)
    : unk_name_(unk), who_(who) {
  vocab_ = std::move(vocab);
  unk_ = vocab_.find(unk);
}

void WordLevelModel::encode(std::string_view word, WordScratch&, std::vector<std::int32_t>& out) const {
  const std::int32_t id = vocab_.find(word);
  out.push_back(id == Vocab::kNone ? needed_unknown(unk_, unk_name_, word, who_) : id);
}

}  // namespace lq::tokenizers
