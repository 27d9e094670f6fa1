#include "tokenizers/sentencepiece.h"

#include <algorithm>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

// As the class that transformers loads it by would have it: LlamaTokenizer says itself whether a text begins
// with a space.
SentencePieceFile as_its_class(SentencePieceFile file, const TokenizerConfig& config) {
  if (config.tokenizer_class == "LlamaTokenizer" && config.model_type != "mistral") {
    file.add_dummy_prefix = config.add_prefix_space.value_or(true);
  }
  return file;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::string_view bytes, const TokenizerConfig& config,
                                               const std::string& who)
    : file_(as_its_class(read_sentencepiece(bytes, who), config)), normalizer_(file_, who) {
  kind_ = file_.kind == SentencePieceFile::Kind::kBpe ? "SentencePiece BPE" : "SentencePiece unigram";
  if (!file_.denormalizer_charsmap.empty()) denormalizer_.emplace(file_.denormalizer_charsmap, who);
  std::vector<std::pair<std::string, std::int64_t>> all, mergeable;
  for (std::size_t i = 0; i < file_.pieces.size(); ++i) {
    const auto& piece = file_.pieces[i];
    all.emplace_back(piece.text, static_cast<std::int64_t>(i));
    const bool merges = piece.type == PieceType::kNormal || piece.type == PieceType::kUserDefined ||
                        piece.type == PieceType::kUnused;
    if (merges) mergeable.emplace_back(piece.text, static_cast<std::int64_t>(i));
  }
  vocab_.build(std::move(all), who);
  mergeable_.build(std::move(mergeable), who);
  size_ = vocab_.size();
  file_.kind == SentencePieceFile::Kind::kBpe ? prepare_bpe() : prepare_unigram();
  add_tokens(config, who);

  TokenizerConfig names = config;
  const auto name = [&](std::optional<std::string>& field, std::optional<std::int32_t> id) {
    if (!field && id) field = vocab_.piece(*id);
  };
  name(names.bos, file_.bos), name(names.eos, file_.eos), name(names.pad, file_.pad),
      name(names.unk, file_.unk_id);
  special_ = resolve_special_tokens(names, [this](const std::string& n) { return id_of(n); });
  const bool t5 = config.tokenizer_class == "T5Tokenizer";
  special_.add_bos = special_.bos && config.add_bos.value_or(!t5);
  special_.add_eos = special_.eos && config.add_eos.value_or(t5);
  legacy_ = config.legacy.value_or(true);
}

void SentencePieceTokenizer::add_tokens(const TokenizerConfig& config, const std::string& who) {
  std::vector<AddedToken> all = config.added;
  for (AddedToken token : config.special) {
    const bool known = std::ranges::find(all, token.content, &AddedToken::content) != all.end();
    token.id = vocab_.find(token.content);
    if (!known && token.id != Vocab::kNone) all.push_back(token);
  }
  const std::int64_t limit = std::int64_t{size_} * 2 + 1000000;
  for (AddedToken& token : all) {
    LQ_CHECK(token.id >= 0 && token.id < limit, kCorruptFile,
             "{}: added token '{}' has id {}, with {} pieces", who, token.content, token.id,
             file_.pieces.size());
    if (token.id < vocab_.size() && vocab_.piece(token.id) != token.content) {
      // The configuration renames a piece: the text it is found by changes, its id stays.
      LQ_CHECK(vocab_.find(token.content) == Vocab::kNone, kCorruptFile,
               "{}: '{}' is piece {}, but the configuration gives it id {}", who, token.content,
               vocab_.find(token.content), token.id);
    }
    added_[token.id] = token;
    size_ = std::max(size_, token.id + 1);
    configured_.add(token, token.content);
    all_special_.add(token, token.content);
  }
  for (std::int32_t id = 0; id < vocab_.size(); ++id) {
    if (type(id) != PieceType::kControl || added_.contains(id)) continue;
    all_special_.add({.id = id, .content = vocab_.piece(id), .special = true}, vocab_.piece(id));
  }
}

std::vector<std::int32_t> SentencePieceTokenizer::encode(std::string_view text,
                                                         const EncodeOptions& options) const {
  std::string repaired;
  if (!utf8::is_valid(text)) text = repaired = utf8::repair(text);
  Ids out;
  out.reserve(text.size() / 3 + 16);
  if (options.add_special && special_.add_bos) out.push_back(*special_.bos);
  const auto& matcher = options.special_text == SpecialText::kParse ? all_special_ : configured_;
  std::vector<Section> sections;
  matcher.split(text, options.special_text != SpecialText::kPlain, sections);
  WordCachePool::Lease cache(caches_);
  BpeScratch scratch;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].id >= 0) {
      out.push_back(sections[i].id);
      continue;
    }
    const std::string normal = normalizer_.apply(sections[i].text, legacy_ || i == 0);
    if (file_.kind == SentencePieceFile::Kind::kBpe) {
      encode_bpe(normal, *cache, scratch, out);
    } else {
      encode_unigram(normal, out);
    }
  }
  if (options.add_special && special_.add_eos) out.push_back(*special_.eos);
  return out;
}

void SentencePieceTokenizer::emit(std::string_view text, std::int32_t id, Ids& out) const {
  if (id == file_.unk_id && file_.byte_fallback) {
    for (const char b : text) out.push_back(file_.byte_ids[static_cast<unsigned char>(b)]);
    return;
  }
  out.push_back(id);
}

std::string SentencePieceTokenizer::decode_pieces(std::span<const std::int32_t> ids, bool at_start) const {
  std::string text, bytes;
  bool space_taken = false;
  const auto flush = [&] {
    for (std::size_t at = 0; at < bytes.size();) {
      const utf8::Decoded d = utf8::decode(bytes, at);
      // SentencePiece turns each byte of a malformed sequence into its own replacement character.
      d.valid ? text.append(bytes, at, d.size) : text.append("\uFFFD");
      at += d.valid ? d.size : 1;
    }
    bytes.clear();
  };
  for (const std::int32_t id : ids) {
    if (type(id) == PieceType::kByte) {
      const auto b = std::find(std::begin(file_.byte_ids), std::end(file_.byte_ids), id);
      bytes.push_back(static_cast<char>(b - std::begin(file_.byte_ids)));
      continue;
    }
    flush();
    if (space_taken || !text.empty()) at_start = false;
    space_taken = false;
    if (type(id) == PieceType::kControl) continue;
    if (type(id) == PieceType::kUnknown) {
      text += file_.unk_surface;
      continue;
    }
    std::string_view piece = vocab_.piece(id);
    if (at_start && (file_.add_dummy_prefix || file_.remove_extra_whitespaces) &&
        piece.starts_with(kVisibleSpace)) {
      piece.remove_prefix(kVisibleSpace.size());
      space_taken = !file_.remove_extra_whitespaces;
    }
    for (std::size_t at = 0; at < piece.size();) {
      const bool space = piece.substr(at).starts_with(kVisibleSpace);
      space ? text.append(" ") : text.append(1, piece[at]);
      at += space ? kVisibleSpace.size() : 1;
    }
  }
  flush();
  if (!denormalizer_) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = denormalizer_->longest(std::string_view(text).substr(at));
    const std::size_t size = match ? match->length : utf8::size_of(text[at]);
    out.append(match ? match->value : std::string_view(text).substr(at, size));
    at += size;
  }
  return out;
}

std::string SentencePieceTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string out;
  Ids run;
  bool at_start = true;
  const auto flush = [&] {
    if (run.empty()) return;
    out += decode_pieces(run, at_start);
    at_start = at_start && out.empty();
    run.clear();
  };
  for (const std::int32_t id : ids) {
    LQ_CHECK(id >= 0 && id < size_, kInvalidArgument, "decode: token id {} is not in [0, {})", id, size_);
    const auto it = added_.find(id);
    if (it == added_.end()) {
      if (id >= vocab_.size()) continue;
      // Unknown tokens are special to transformers and have a surface for sentencepiece; without a
      // configuration this is sentencepiece.
      run.push_back(id);
    } else if (it->second.special) {
      if (skip_special) continue;
      flush();
      out += it->second.content;
    } else {
      flush();
      out += it->second.content;
      at_start = false;
    }
  }
  flush();
  return out;
}

std::string SentencePieceTokenizer::piece(std::int32_t id) const {
  if (const auto it = added_.find(id); it != added_.end()) return it->second.content;
  return vocab_.has(id) ? vocab_.piece(id) : std::string();
}

std::optional<std::int32_t> SentencePieceTokenizer::id_of(std::string_view piece) const {
  for (const auto& [id, token] : added_) {
    if (token.content == piece) return id;
  }
  const std::int32_t id = vocab_.find(piece);
  return id == Vocab::kNone ? std::nullopt : std::optional(id);
}

bool SentencePieceTokenizer::takes_space_behind(std::int32_t id) const {
  const auto it = added_.find(id);
  return it != added_.end() && it->second.rstrip;
}

std::vector<AddedToken> SentencePieceTokenizer::added_tokens() const {
  std::vector<AddedToken> all;
  for (const auto& [id, token] : added_) all.push_back(token);
  std::ranges::sort(all, {}, &AddedToken::id);
  return all;
}

bool SentencePieceTokenizer::is_special(std::int32_t id) const {
  if (const auto it = added_.find(id); it != added_.end()) return it->second.special;
  return vocab_.has(id) && (type(id) == PieceType::kControl || type(id) == PieceType::kUnknown);
}

}  // namespace lq::tokenizers
