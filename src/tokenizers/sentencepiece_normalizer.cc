#include "tokenizers/sentencepiece_normalizer.h"

#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr std::string_view kSpace = "\u2581";

}  // namespace

SentencePieceNormalizer::SentencePieceNormalizer(const SentencePieceFile& file, const std::string& who)
    : prefix_(file.add_dummy_prefix),
      squeeze_(file.remove_extra_whitespaces),
      escape_(file.escape_whitespaces),
      suffix_(file.whitespace_as_suffix) {
  if (!file.charsmap.empty()) map_.emplace(file.charsmap, who);
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].type != PieceType::kUserDefined) continue;
    user_defined_.insert(file.pieces[i].text, static_cast<std::int32_t>(i));
    any_user_defined_ = true;
  }
}

std::size_t SentencePieceNormalizer::user_defined(std::string_view text, std::size_t at) const {
  std::size_t longest = 0;
  if (any_user_defined_) {
    user_defined_.prefixes(text, at, [&](std::size_t length, std::int32_t) { longest = length; });
  }
  return longest;
}

SentencePieceNormalizer::Part SentencePieceNormalizer::next(std::string_view text, std::size_t at) const {
  if (const std::size_t size = user_defined(text, at); size > 0) return {text.substr(at, size), size};
  if (map_) {
    if (const auto match = map_->longest(text.substr(at))) return {match->value, match->length};
  }
  const std::size_t size = utf8::size_of(text[at]);
  return {text.substr(at, size), size};
}

std::string SentencePieceNormalizer::apply(std::string_view text, bool dummy_prefix) const {
  std::string out;
  std::size_t at = 0;
  while (squeeze_ && at < text.size()) {
    const Part part = next(text, at);
    if (part.value != " ") break;
    at += part.consumed;
  }
  if (at == text.size()) return out;
  out.reserve(text.size() + text.size() / 2 + 8);
  const std::string_view space = escape_ ? kSpace : " ";
  const bool dummy = prefix_ && dummy_prefix;
  if (dummy && !suffix_) out.append(space);
  bool after_space = squeeze_;
  while (at < text.size()) {
    const Part part = next(text, at);
    at += part.consumed;
    std::string_view value = part.value;
    while (after_space && value.starts_with(' ')) value.remove_prefix(1);
    if (!value.empty()) {
      for (const char c : value) {
        if (c == ' ') {
          out.append(space);
        } else {
          out.push_back(c);
        }
      }
      after_space = value.ends_with(' ');
    }
    if (!squeeze_) after_space = false;
  }
  while (squeeze_ && out.ends_with(space)) out.erase(out.size() - space.size());
  if (dummy && suffix_) out += space;
  return out;
}

}  // namespace lq::tokenizers
