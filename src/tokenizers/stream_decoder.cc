#include "tokenizers/stream_decoder.h"

#include <algorithm>

namespace lq::tokenizers {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
constexpr std::size_t kContext = 4;        // emitted ids that new ones are decoded with
constexpr std::size_t kMaxContext = 1024;  // more of them only where all are blank
constexpr std::size_t kMaxPending = 32;    // a character takes at most four tokens: more is no character

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special, std::vector<std::int32_t> prompt)
    : tokenizer_(tokenizer), skip_special_(skip_special), ids_(std::move(prompt)) {
  if (ids_.size() > kContext) ids_.erase(ids_.begin(), ids_.end() - static_cast<std::ptrdiff_t>(kContext));
  context_ = ids_.size();
  context_text_ = tokenizer_.decode(ids_, skip_special_);
}

std::string StreamDecoder::push(std::int32_t id) {
  ids_.push_back(id);
  const std::string text = tokenizer_.decode(ids_, skip_special_);
  const std::size_t waiting = ids_.size() - context_;
  if (text.size() > context_text_.size() && !text.ends_with(kReplacement)) return finish();
  // A long run that stays unreadable is no character that more tokens complete: it is bad bytes, or U+FFFD
  // itself. The latter, spelled in bytes, is whole where there are fewer replacement characters than tokens.
  const std::size_t fresh = text.size() - std::min(text.size(), context_text_.size());
  const bool whole = fresh <= waiting;
  return waiting >= kMaxPending && (whole || waiting >= kMaxPending + 3) ? finish() : std::string();
}

std::string StreamDecoder::finish() {
  const std::string text = tokenizer_.decode(ids_, skip_special_);
  // What was emitted stays emitted: go on from where the texts part (they do not, but for broken byte
  // sequences).
  std::string fresh = text.starts_with(context_text_) ? text.substr(context_text_.size()) : std::string();
  // Keep a few emitted ids, from the start of a character on (a kept tail of one would spoil those behind
  // it), and with some ink in them (decoders that drop leading spaces would drop those of the next token).
  const std::vector<std::int32_t> all = std::move(ids_);
  for (std::size_t keep = std::min(kContext, all.size());; ++keep) {
    ids_.assign(all.end() - static_cast<std::ptrdiff_t>(keep), all.end());
    context_ = keep;
    context_text_ = tokenizer_.decode(ids_, skip_special_);
    const bool blank = context_text_.find_first_not_of(" \n") == std::string::npos;
    const bool broken = context_text_.starts_with(kReplacement) && keep < kContext + 3 &&
                        context_text_.size() >= keep * kReplacement.size();
    if (keep == all.size() || keep == kMaxContext || !(blank || broken)) break;
  }
  return fresh;
}

}  // namespace lq::tokenizers
