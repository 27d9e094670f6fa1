#include "data/encode_example.h"

#include <algorithm>

namespace lq {

std::int64_t EncodedExample::trained_tokens() const {
  return in_loss.empty() ? 0 : std::count(in_loss.begin() + 1, in_loss.end(), std::uint8_t{1});
}

EncodedExample encode_example(const Tokenizer& tokenizer, const Example& example,
                              const EncodeExampleOptions& options) {
  const EncodeOptions encode =
      example.has_marks ? EncodeOptions{.add_special = false, .special_text = SpecialText::kParse}
                        : EncodeOptions{.add_special = false, .special_text = SpecialText::kAsFile};
  const tokenizers::SpecialTokens& special = tokenizer.special();
  EncodedExample out;
  std::string text;
  for (const TextSegment& s : example.segments) text += s.text;
  const auto ids = tokenizer.encode(text, encode);
  // Some data sets are text that a template has rendered, marks included: those are not doubled.
  const bool has_bos = !ids.empty() && ids.front() == special.bos;
  const bool has_eos = !ids.empty() && ids.back() == special.eos;
  if (!example.has_marks && special.add_bos && !has_bos) out.ids.push_back(*special.bos);
  const std::size_t bos = out.ids.size();
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  out.in_loss.assign(out.ids.size(), options.train_on_all ? 1 : 0);
  // Where a segment ends in the ids: as far as the text up to there gives the same ids as the whole.
  std::string before;
  std::size_t done = 0;
  for (std::size_t i = 0; i < example.segments.size(); ++i) {
    before += example.segments[i].text;
    std::size_t end = ids.size();
    if (i + 1 < example.segments.size()) {
      const auto part = tokenizer.encode(before, encode);
      const std::size_t limit = std::min(part.size(), ids.size());
      end = static_cast<std::size_t>(
          std::mismatch(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(limit), ids.begin()).first -
          part.begin());
    }
    end = std::max(end, done);
    if (example.segments[i].is_response) {
      std::fill(out.in_loss.begin() + static_cast<std::ptrdiff_t>(bos + done),
                out.in_loss.begin() + static_cast<std::ptrdiff_t>(bos + end), std::uint8_t{1});
    }
    done = end;
  }
  if (!example.has_marks && options.add_eos && special.eos && !has_eos) {
    out.ids.push_back(*special.eos);
    out.in_loss.push_back(options.train_on_all ||
                          (!example.segments.empty() && example.segments.back().is_response));
  }
  return out;
}

std::vector<EncodedExample> cut_windows(const EncodedExample& example, std::int64_t length) {
  std::vector<EncodedExample> out;
  for (std::size_t begin = 0; begin < example.ids.size(); begin += static_cast<std::size_t>(length)) {
    const std::size_t end = std::min(example.ids.size(), begin + static_cast<std::size_t>(length));
    const auto cut = [&](const auto& list) {
      return std::decay_t<decltype(list)>(list.begin() + static_cast<std::ptrdiff_t>(begin),
                                          list.begin() + static_cast<std::ptrdiff_t>(end));
    };
    out.push_back({cut(example.ids), cut(example.in_loss)});
  }
  return out;
}

bool truncate(EncodedExample& example, std::int64_t length) {
  if (std::ssize(example.ids) <= length) return false;
  example.ids.resize(static_cast<std::size_t>(length));
  example.in_loss.resize(static_cast<std::size_t>(length));
  return true;
}

}  // namespace lq
