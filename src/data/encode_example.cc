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
  const auto ids = tokenizer.encode(example.text, encode);
  // Some data sets are text that a template has rendered, marks included: those are not doubled.
  const bool has_bos = !ids.empty() && ids.front() == special.bos;
  const bool has_eos = !ids.empty() && ids.back() == special.eos;
  if (!example.has_marks && special.add_bos && !has_bos) out.ids.push_back(*special.bos);
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  out.in_loss.assign(out.ids.size(), options.train_on_all ? 1 : 0);
  const bool all = example.trained.size() == 1 &&
                   example.trained[0] == TextSpan{0, example.text.size()};  // needs no look at each token
  if (!options.train_on_all && all) {
    std::fill(out.in_loss.end() - std::ssize(ids), out.in_loss.end(), std::uint8_t{1});
  } else if (!options.train_on_all) {
    const auto mask = tokens_in_spans(tokenizer, example.text, ids, encode, example.trained);
    std::copy(mask.begin(), mask.end(), out.in_loss.end() - std::ssize(mask));
  } else if (options.train_on_all && !example.refused.empty()) {
    const auto refused = tokens_in_spans(tokenizer, example.text, ids, encode, example.refused);
    std::transform(refused.begin(), refused.end(), out.in_loss.end() - std::ssize(refused),
                   [](std::uint8_t is) { return is != 0 ? std::uint8_t{0} : std::uint8_t{1}; });
  }
  if (!example.has_marks && options.add_eos && special.eos && !has_eos) {
    out.ids.push_back(*special.eos);
    const bool ends_trained = !example.trained.empty() && example.trained.back().end == example.text.size();
    out.in_loss.push_back(options.train_on_all || ends_trained ? 1 : 0);
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
    out.push_back({.ids = cut(example.ids), .in_loss = cut(example.in_loss)});
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
