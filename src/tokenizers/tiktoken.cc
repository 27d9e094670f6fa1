#include "tokenizers/tiktoken.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "tokenizers/base64.h"
#include "tokenizers/byte_level.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

using RankedTokens = std::vector<std::pair<std::string, std::int32_t>>;

// The published encodings: their regular expressions and special tokens (openai_public.py of tiktoken; the
// model cards of Qwen and Llama 3).
constexpr std::string_view kCl100kRegex =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s)";
constexpr std::string_view kO200kRegex =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Encoding {
  std::string regex;
  RankedTokens special;
  std::string bos, eos;
  bool add_bos = false;
};

Encoding llama3(std::int32_t n) {
  Encoding e{std::string(kLlama3Regex), {}, "<|begin_of_text|>", "<|end_of_text|>", true};
  const auto add = [&](const std::string& name) { e.special.emplace_back(name, n++); };
  const auto reserved = [&](int i) { add(fmt::format("<|reserved_special_token_{}|>", i)); };
  add("<|begin_of_text|>"), add("<|end_of_text|>");
  for (int i = 0; i < 4; ++i) reserved(i);
  add("<|start_header_id|>"), add("<|end_header_id|>"), reserved(4), add("<|eot_id|>");
  for (int i = 5; i < 251; ++i) reserved(i);
  return e;
}

Encoding encoding_of(std::int32_t ranks) {
  const std::string end = "<|endoftext|>";
  switch (ranks) {
    case 50256:
      return {std::string(kGpt2Regex), {{end, 50256}}, end, end};
    case 50280:
      return {std::string(kGpt2Regex), {{end, 50256}}, end, end};
    case 100256:
      return {std::string(kCl100kRegex),
              {{end, 100257},
               {"<|fim_prefix|>", 100258},
               {"<|fim_middle|>", 100259},
               {"<|fim_suffix|>", 100260},
               {"<|endofprompt|>", 100276}},
              "",
              end};
    case 199998:
      return {std::string(kO200kRegex), {{end, 199999}, {"<|endofprompt|>", 200018}}, "", end};
    case 151643: {
      Encoding e{std::string(kQwen2Regex),
                 {{end, 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}},
                 "",
                 end};
      for (int i = 0; i < 205; ++i) e.special.emplace_back(fmt::format("<|extra_{}|>", i), 151646 + i);
      return e;
    }
    default:
      return llama3(ranks);
  }
}

Vocab read_ranks(std::string_view bytes, const std::string& who) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  std::size_t line_number = 0;
  while (!bytes.empty()) {
    ++line_number;
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::string place = fmt::format("{}: line {}", who, line_number);
    const std::size_t space = line.find(' ');
    LQ_CHECK(space != std::string_view::npos && space > 0, kCorruptFile,
             "{}: should be base64, a space and a rank (neither SentencePiece nor tiktoken?)", place);
    std::int64_t rank = -1;
    const auto [stop, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), rank);
    LQ_CHECK(error == std::errc() && stop == line.data() + line.size() && rank >= 0, kCorruptFile,
             "{}: the rank should be a whole number", place);
    entries.emplace_back(decode_base64(line.substr(0, space), place), rank);
    LQ_CHECK(!entries.back().first.empty(), kCorruptFile, "{}: a token of no bytes", place);
  }
  LQ_CHECK(!entries.empty(), kCorruptFile, "{}: no ranks", who);
  Vocab vocab;
  vocab.build(std::move(entries), who);
  return vocab;
}

}  // namespace

TiktokenTokenizer::TiktokenTokenizer(std::string_view bytes, const TokenizerConfig& config,
                                     const std::string& who)
    : ranks_(read_ranks(bytes, who)) {
  kind_ = "tiktoken ranks";
  size_ = ranks_.size();
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    bytes_[b] = ranks_.find({&byte, 1});
    LQ_CHECK(bytes_[b] != Vocab::kNone, kCorruptFile, "{}: no rank for the byte {:#04x}: cut off?", who, b);
  }
  Encoding encoding = encoding_of(static_cast<std::int32_t>(ranks_.count()));
  pattern_ = known_pattern(encoding.regex);
  if (!pattern_) regex_.emplace(encoding.regex, who);
  RankedTokens tokens;
  for (const AddedToken& token : config.added) {
    if (token.special) tokens.emplace_back(token.content, token.id);
  }
  if (tokens.empty()) tokens = encoding.special;
  for (const auto& [content, id] : tokens) {
    LQ_CHECK(id >= 0 && id < std::int64_t{ranks_.size()} * 2 + 1000000, kCorruptFile,
             "{}: special token '{}' has id {}, with {} ranks", who, content, id, ranks_.size());
    LQ_CHECK(!ranks_.has(id), kCorruptFile, "{}: special token '{}' has id {}, which is a rank too", who,
             content, id);
    if (content.empty() || special_tokens_.contains(id)) continue;
    special_tokens_[id] = content;
    matcher_.add({.id = id, .content = content, .special = true}, content);
    size_ = std::max(size_, id + 1);
  }
  TokenizerConfig names = config;
  if (!names.bos && !encoding.bos.empty()) names.bos = encoding.bos;
  if (!names.eos && !encoding.eos.empty()) names.eos = encoding.eos;
  special_ = resolve_special_tokens(names, [this](const std::string& n) { return id_of(n); });
  special_.add_bos = special_.bos && config.add_bos.value_or(encoding.add_bos);
  special_.add_eos = special_.eos && config.add_eos.value_or(false);
}

std::vector<std::int32_t> TiktokenTokenizer::encode(std::string_view text,
                                                    const EncodeOptions& options) const {
  std::string repaired;
  if (!utf8::is_valid(text)) text = repaired = utf8::repair(text);
  std::vector<std::int32_t> out;
  out.reserve(text.size() / 3 + 16);
  if (options.add_special && special_.add_bos) out.push_back(*special_.bos);
  std::vector<Section> sections;
  matcher_.split(text, options.special_text != SpecialText::kPlain, sections);
  WordCachePool::Lease cache(caches_);
  BpeScratch scratch;
  for (const Section& section : sections) {
    const auto word = [&](std::string_view w) { encode_word(w, *cache, scratch, out); };
    if (section.id >= 0) {
      out.push_back(section.id);
    } else if (pattern_) {
      for_each_gpt_word(*pattern_, section.text, word);
    } else {
      regex_->for_each(section.text, [&](std::size_t begin, std::size_t end) {
        if (end > begin) word(section.text.substr(begin, end - begin));
      });
    }
  }
  if (options.add_special && special_.add_eos) out.push_back(*special_.eos);
  return out;
}

void TiktokenTokenizer::encode_word(std::string_view word, WordCache& cache, BpeScratch& scratch,
                                    std::vector<std::int32_t>& out) const {
  if (!WordCache::fits(word)) return encode_new(word, scratch, out);
  const std::uint64_t hash = WordCache::hash(word);
  if (cache.append(word, hash, out)) return;
  const std::size_t before = out.size();
  encode_new(word, scratch, out);
  cache.store(word, hash, out.data() + before, out.size() - before);
}

void TiktokenTokenizer::encode_new(std::string_view word, BpeScratch& scratch,
                                   std::vector<std::int32_t>& out) const {
  const std::int32_t whole = ranks_.find(word);
  if (whole != Vocab::kNone) return out.push_back(whole);
  scratch.symbols.clear();
  for (std::size_t i = 0; i < word.size(); ++i) {
    scratch.symbols.push_back(
        {bytes_[static_cast<unsigned char>(word[i])], static_cast<std::uint32_t>(i), 1});
  }
  bpe_merge(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) -> Merged {
    const std::int32_t id = ranks_.find(word.substr(left.begin, left.size + right.size));
    if (id == Vocab::kNone) return {};
    return {static_cast<std::uint32_t>(id), id};
  });
  for (const BpeSymbol& s : scratch.symbols) out.push_back(s.id);
}

std::string TiktokenTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string text;
  for (const std::int32_t id : ids) {
    LQ_CHECK(id >= 0 && id < size_, kInvalidArgument, "decode: token id {} is not in [0, {})", id, size_);
    if (ranks_.has(id)) {
      text += ranks_.piece(id);
    } else if (const auto it = special_tokens_.find(id); it != special_tokens_.end() && !skip_special) {
      text += it->second;
    }
  }
  return utf8::is_valid(text) ? text : utf8::repair(text);
}

std::string TiktokenTokenizer::piece(std::int32_t id) const {
  if (const auto it = special_tokens_.find(id); it != special_tokens_.end()) return it->second;
  return ranks_.has(id) ? byte_level::to_text(ranks_.piece(id)) : std::string();
}

std::optional<std::int32_t> TiktokenTokenizer::id_of(std::string_view piece) const {
  for (const auto& [id, content] : special_tokens_) {
    if (content == piece) return id;
  }
  const auto bytes = byte_level::to_bytes(piece);
  const std::int32_t id = bytes ? ranks_.find(*bytes) : Vocab::kNone;
  return id == Vocab::kNone ? std::nullopt : std::optional(id);
}

}  // namespace lq::tokenizers
