#include "tokenizers/bpe.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizers/byte_level.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr std::string_view kMarker = "\u2581";

// Whether U+2581 follows another character somewhere in token.
bool marker_inside(std::string_view token) {
  for (std::size_t at = token.find(kMarker); at != std::string_view::npos; at = token.find(kMarker, at + 1)) {
    if (at > 0 && !token.substr(0, at).ends_with(kMarker)) return true;
  }
  return false;
}

}  // namespace

BpeModel::BpeModel(Vocab vocab, const Merges& merges, BpeOptions options, const std::string& who)
    : options_(std::move(options)), who_(who), merges_(merges.size()) {
  vocab_ = std::move(vocab);
  cuts_at_marker_ = !options_.byte_level && !options_.ignore_merges && options_.prefix.empty() &&
                    options_.suffix.empty() && vocab_.find(kMarker) != Vocab::kNone;
  std::string joined;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    LQ_CHECK(right.starts_with(options_.prefix), kCorruptFile,
             "{}: merge {} ('{}' '{}'): the right part should begin with the prefix '{}'", who, rank, left,
             right, options_.prefix);
    joined.assign(left).append(right, options_.prefix.size());
    const std::int32_t l = vocab_.find(left), r = vocab_.find(right), id = vocab_.find(joined);
    LQ_CHECK(l != Vocab::kNone && r != Vocab::kNone && id != Vocab::kNone, kCorruptFile,
             "{}: merge {} ('{}' '{}'): '{}' is not in the vocabulary", who, rank, left, right,
             l == Vocab::kNone   ? left
             : r == Vocab::kNone ? right
                                 : joined);
    merges_.set(static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(r),
                {static_cast<std::uint32_t>(rank), id});
    cuts_at_marker_ = cuts_at_marker_ && !marker_inside(joined);
  }
  // A file may name an unknown token that is only among the added ones: it does until one is needed.
  if (options_.unk) unk_ = vocab_.find(*options_.unk);
  all_bytes_ = options_.byte_level && options_.prefix.empty() && options_.suffix.empty();
  for (std::size_t b = 0; b < 256; ++b) {
    std::string name;
    utf8::append(name, byte_level::characters()[b]);
    byte_ids_[b] = vocab_.find(name);
    all_bytes_ = all_bytes_ && byte_ids_[b] != Vocab::kNone;
    byte_tokens_[b] = vocab_.find(fmt::format("<0x{:02X}>", b));
  }
  for (std::size_t c = 0; c < 128; ++c) {
    const char text = static_cast<char>(c);
    ascii_ids_[c] = vocab_.find({&text, 1});
  }
}

void BpeModel::encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const {
  if (!cuts_at_marker_) return encode_cached(word, scratch, out);
  // A whole text as one word: cut before every U+2581 that follows another character. No merge crosses there,
  // so the parts merge as they would together, and the cache knows most of them.
  std::size_t begin = 0;
  while (begin < word.size()) {
    std::size_t end = begin;
    while (word.substr(end).starts_with(kMarker)) end += kMarker.size();
    end = std::min(word.find(kMarker, end), word.size());
    encode_cached(word.substr(begin, end - begin), scratch, out);
    begin = end;
  }
}

void BpeModel::encode_cached(std::string_view word, WordScratch& scratch,
                             std::vector<std::int32_t>& out) const {
  if (!WordCache::fits(word)) return encode_new(word, scratch, out);
  const std::uint64_t hash = WordCache::hash(word);
  if (scratch.cache.append(word, hash, out)) return;
  const std::size_t before = out.size();
  encode_new(word, scratch, out);
  scratch.cache.store(word, hash, out.data() + before, out.size() - before);
}

void BpeModel::encode_new(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const {
  if (word.empty()) return;
  auto& symbols = scratch.bpe.symbols;
  symbols.clear();
  if (options_.ignore_merges) {
    const std::int32_t whole =
        vocab_.find(options_.byte_level ? byte_level::to_text(word) : std::string(word));
    if (whole != Vocab::kNone) return out.push_back(whole);
  }
  if (all_bytes_) {
    for (std::size_t i = 0; i < word.size(); ++i) {
      symbols.push_back({byte_ids_[static_cast<unsigned char>(word[i])], static_cast<std::uint32_t>(i), 1});
    }
  } else if (options_.byte_level) {
    symbols_of_text(byte_level::to_text(word), symbols);
  } else {
    symbols_of_text(word, symbols);
  }
  bpe_merge(scratch.bpe, [this](const BpeSymbol& left, const BpeSymbol& right) {
    const Merged* m = merges_.find(static_cast<std::uint32_t>(left.id), static_cast<std::uint32_t>(right.id));
    return m == nullptr ? Merged{} : *m;
  });
  for (const BpeSymbol& s : symbols) out.push_back(s.id);
}

void BpeModel::symbols_of_text(std::string_view word, std::vector<BpeSymbol>& symbols) const {
  const bool affixes = !options_.prefix.empty() || !options_.suffix.empty();
  std::uint32_t unknown_bytes = 0;  // of an unknown token that waits for the next known character
  std::string with_affixes;
  const auto add = [&](std::int32_t id, std::size_t begin, std::size_t size) {
    symbols.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size)});
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t size = std::min(utf8::size_of(word[at]), word.size() - at);
    std::string_view character = word.substr(at, size);
    std::int32_t id;
    if (affixes) {
      with_affixes.clear();
      if (at > 0) with_affixes += options_.prefix;
      with_affixes += character;
      if (at + size == word.size()) with_affixes += options_.suffix;
      character = with_affixes;
      id = vocab_.find(character);
    } else {
      id = size == 1 ? ascii_ids_[static_cast<unsigned char>(word[at])] : vocab_.find(character);
    }
    if (id != Vocab::kNone) {
      if (unknown_bytes > 0) add(unk_, at - unknown_bytes, unknown_bytes);
      unknown_bytes = 0;
      add(id, at, size);
    } else if (options_.byte_fallback && std::all_of(character.begin(), character.end(), [&](char b) {
                 return byte_tokens_[static_cast<unsigned char>(b)] != Vocab::kNone;
               })) {
      for (std::size_t i = 0; i < character.size(); ++i) {
        add(byte_tokens_[static_cast<unsigned char>(character[i])], at + i, 1);
      }
    } else if (options_.unk) {
      LQ_CHECK(unk_ != Vocab::kNone, kUnsupported,
               "{}: '{}' is not in the vocabulary, and neither is the unknown token '{}'", who_, character,
               *options_.unk);
      if (unknown_bytes > 0 && !options_.fuse_unk) {
        add(unk_, at - unknown_bytes, unknown_bytes);
        unknown_bytes = 0;
      }
      unknown_bytes += static_cast<std::uint32_t>(size);
    }
    at += size;
  }
  if (unknown_bytes > 0) add(unk_, word.size() - unknown_bytes, unknown_bytes);
}

}  // namespace lq::tokenizers
