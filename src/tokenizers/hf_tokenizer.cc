#include "tokenizers/hf_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {

HfTokenizer::HfTokenizer(HfParts parts, const TokenizerConfig& config, const std::string& who)
    : parts_(std::move(parts)) {
  kind_ = parts_.kind;
  split_special_ = config.split_special;
  size_ = parts_.model->vocab().size();
  add_tokens(config, who);
  special_ = resolve_special_tokens(config, [this](const std::string& name) { return id_of(name); });
  wrap_with_bos_eos(config);
  const auto check_added = [&](std::int32_t id) {
    LQ_CHECK(id < size_, kCorruptFile, "{}: the post-processor adds token {}, but ids end at {}", who, id,
             size_ - 1);
  };
  for (const std::int32_t id : parts_.post.before) check_added(id);
  for (const std::int32_t id : parts_.post.after) check_added(id);
  for (const TextPart& part : parts_.post.pair) check_added(part.id);
}

void HfTokenizer::add_tokens(const TokenizerConfig& config, const std::string& who) {
  std::vector<AddedToken> all = std::move(parts_.added);
  const auto take = [&all](const AddedToken& token, bool decides) {
    const auto known = std::ranges::find(all, token.content, &AddedToken::content);
    if (known == all.end()) {
      all.push_back(token);
    } else if (decides) {
      *known = token;
    }
  };
  for (const AddedToken& token : config.added) take(token, config.added_decides);
  for (const AddedToken& token : config.special) take(token, false);
  // Whatever id a file gives to a token that is not in the vocabulary, Hugging Face gives it the next free
  // one.
  auto next = static_cast<std::int32_t>(parts_.model->vocab().count());
  for (AddedToken& token : all) {
    if (token.content.empty() || by_content_.contains(token.content)) continue;
    LQ_CHECK(utf8::is_valid(token.content), kCorruptFile, "{}: added token {} is not UTF-8", who, token.id);
    const std::int32_t in_vocab = parts_.model->vocab().find(token.content);
    token.id = in_vocab != Vocab::kNone ? in_vocab : next++;
    by_id_[token.id] = token;
    by_content_[token.content] = token.id;
    std::string pattern = token.content;
    if (token.normalized && parts_.normalizer != nullptr) {
      parts_.normalizer->apply(pattern);
      if (pattern != token.content) normal_forms_[token.id] = pattern;
    }
    (token.normalized ? normalized_ : raw_).add(token, pattern);
  }
  for (const auto& [id, token] : by_id_) size_ = std::max(size_, id + 1);
}

void HfTokenizer::wrap_with_bos_eos(const TokenizerConfig& config) {
  auto& before = parts_.post.before;
  auto& after = parts_.post.after;
  const auto wrap = [](std::vector<std::int32_t>& list, std::optional<std::int32_t> id,
                       std::optional<bool> wanted, bool front) {
    if (!id || !wanted) return;
    const bool there = std::find(list.begin(), list.end(), *id) != list.end();
    if (*wanted && !there) list.insert(front ? list.begin() : list.end(), *id);
    if (!*wanted) std::erase(list, *id);
  };
  wrap(before, special_.bos, config.add_bos, true);
  wrap(after, special_.eos, config.add_eos, false);
  special_.add_bos = special_.bos && std::find(before.begin(), before.end(), *special_.bos) != before.end();
  special_.add_eos = special_.eos && std::find(after.begin(), after.end(), *special_.eos) != after.end();
}

std::vector<std::int32_t> HfTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::string repaired;
  if (!utf8::is_valid(text)) text = repaired = utf8::repair(text);
  std::vector<std::int32_t> out;
  out.reserve(text.size() / 3 + 16);
  if (options.add_special) out = parts_.post.before;
  const bool with_special = options.special_text == SpecialText::kParse ||
                            (options.special_text == SpecialText::kAsFile && !split_special_);
  WordCachePool::Lease cache(caches_);
  WordScratch scratch{*cache, {}};
  std::vector<Section> sections, inner;
  raw_.split(text, with_special, sections);
  std::string normal;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].id >= 0) {
      out.push_back(sections[i].id);
      continue;
    }
    std::string_view part = sections[i].text;
    if (parts_.normalizer != nullptr) {
      normal.assign(part);
      parts_.normalizer->apply(normal);
      part = normal;
    }
    if (normalized_.empty()) {
      encode_section(part, i == 0, scratch, out);
      continue;
    }
    inner.clear();
    normalized_.split(part, with_special, inner);
    for (std::size_t k = 0; k < inner.size(); ++k) {
      if (inner[k].id >= 0) {
        out.push_back(inner[k].id);
      } else {
        encode_section(inner[k].text, i == 0 && k == 0, scratch, out);
      }
    }
  }
  if (options.add_special) out.insert(out.end(), parts_.post.after.begin(), parts_.post.after.end());
  return out;
}

void HfTokenizer::encode_section(std::string_view text, bool at_start, WordScratch& scratch,
                                 std::vector<std::int32_t>& out) const {
  if (text.empty()) return;
  const WordModel& model = *parts_.model;
  if (parts_.pre.only_pattern) {
    for_each_gpt_word(*parts_.pre.only_pattern, text,
                      [&](std::string_view word) { model.encode(word, scratch, out); });
    return;
  }
  if (parts_.pre.steps.empty()) return model.encode(text, scratch, out);
  WordList list;
  list.words.push_back({text, at_start});
  for (const auto& step : parts_.pre.steps) step->apply(list);
  for (const auto& word : list.words) model.encode(word.text, scratch, out);
}

std::string HfTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  const Vocab& vocab = parts_.model->vocab();
  for (const std::int32_t id : ids) {
    LQ_CHECK(id >= 0 && id < size_, kInvalidArgument, "decode: token id {} is not in [0, {})", id, size_);
    if (const auto it = by_id_.find(id); it != by_id_.end()) {
      // The decoder undoes what the normalizer did; special is what has a special token's name in that form,
      // too.
      const auto form = normal_forms_.find(id);
      const std::string& token = form == normal_forms_.end() ? it->second.content : form->second;
      const auto named = by_content_.find(token);
      const bool special = named != by_content_.end() && by_id_.at(named->second).special;
      if (!skip_special || !special) tokens.push_back(token);
    } else if (vocab.has(id)) {
      tokens.push_back(vocab.piece(id));
    }
  }
  std::string text;
  if (parts_.decoder != nullptr) {
    parts_.decoder->apply(tokens);
    for (const std::string& t : tokens) text += t;
  } else {
    for (std::size_t i = 0; i < tokens.size(); ++i) text.append(i > 0 ? " " : "").append(tokens[i]);
  }
  return utf8::is_valid(text) ? text : utf8::repair(text);
}

std::string HfTokenizer::piece(std::int32_t id) const {
  if (const auto it = by_id_.find(id); it != by_id_.end()) return it->second.content;
  const Vocab& vocab = parts_.model->vocab();
  return vocab.has(id) ? vocab.piece(id) : std::string();
}

std::optional<std::int32_t> HfTokenizer::id_of(std::string_view piece) const {
  if (const auto it = by_content_.find(std::string(piece)); it != by_content_.end()) return it->second;
  const std::int32_t id = parts_.model->vocab().find(piece);
  return id == Vocab::kNone ? std::nullopt : std::optional(id);
}

bool HfTokenizer::is_special(std::int32_t id) const {
  const auto it = by_id_.find(id);
  return it != by_id_.end() && it->second.special;
}

bool HfTokenizer::takes_space_behind(std::int32_t id) const {
  const auto it = by_id_.find(id);
  return it != by_id_.end() && it->second.rstrip;
}

std::vector<AddedToken> HfTokenizer::added_tokens() const {
  std::vector<AddedToken> all;
  for (const auto& [id, token] : by_id_) all.push_back(token);
  std::ranges::sort(all, {}, &AddedToken::id);
  return all;
}

std::vector<TextPart> HfTokenizer::single_parts() const {
  std::vector<TextPart> parts;
  for (const std::int32_t id : parts_.post.before) parts.push_back({-1, id, 0});
  parts.push_back({0, -1, 0});
  for (const std::int32_t id : parts_.post.after) parts.push_back({-1, id, 0});
  return parts;
}

}  // namespace lq::tokenizers
