#include "eval/stop_texts.h"

#include <algorithm>

namespace lq {

StopTexts::StopTexts(std::vector<std::string> texts) : texts_(std::move(texts)) {
  std::erase_if(texts_, [](const std::string& t) { return t.empty(); });
}

std::string StopTexts::take(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    if (shown_[i] != 0) out.push_back(held_[i]);
  }
  held_.erase(0, size);
  shown_.erase(0, size);
  return out;
}

std::string StopTexts::push(std::string_view piece, bool shown) {
  if (found_) return {};
  held_ += piece;
  shown_.append(piece.size(), shown ? '\1' : '\0');
  std::size_t first = std::string::npos;
  for (const auto& text : texts_) first = std::min(first, held_.find(text));
  if (first != std::string::npos) {
    found_ = true;
    return take(first);
  }
  // Hold back the longest end that a stop text begins with.
  std::size_t keep = 0;
  for (const auto& text : texts_) {
    for (std::size_t n = std::min(text.size() - 1, held_.size()); n > keep; --n) {
      if (held_.ends_with(std::string_view(text).substr(0, n))) {
        keep = n;
        break;
      }
    }
  }
  // Not in the middle of a character: its first bytes may end the safe part.
  std::size_t cut = held_.size() - keep;
  while (cut > 0 && cut < held_.size() && (static_cast<unsigned char>(held_[cut]) & 0xC0U) == 0x80U) --cut;
  return take(cut);
}

std::string StopTexts::finish() { return found_ ? std::string() : take(held_.size()); }

}  // namespace lq
