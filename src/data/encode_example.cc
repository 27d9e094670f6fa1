#include "data/encode_example.h"

#include <algorithm>
#include <span>

namespace lq {

std::int64_t EncodedExample::trained_tokens() const {
  return in_loss.empty() ? 0 : std::count(in_loss.begin() + 1, in_loss.end(), std::uint8_t{1});
}

namespace {

// What the tokenizer writes around a text: BOS and EOS, or marks of its own.
struct Surround {
  std::vector<std::int32_t> before, after;
};

Surround surround_of(const Tokenizer& tokenizer) {
  Surround out;
  bool behind = false;
  for (const tokenizers::TextPart& part : tokenizer.single_parts()) {
    if (part.text >= 0) {
      behind = true;
    } else {
      (behind ? out.after : out.before).push_back(part.id);
    }
  }
  return out;
}

bool begins_with(std::span<const std::int32_t> ids, std::span<const std::int32_t> marks) {
  return ids.size() >= marks.size() && std::ranges::equal(ids.first(marks.size()), marks);
}
bool ends_with(std::span<const std::int32_t> ids, std::span<const std::int32_t> marks) {
  return ids.size() >= marks.size() && std::ranges::equal(ids.last(marks.size()), marks);
}

// What stands behind a text of these ids that has no marks of its own.
std::vector<std::int32_t> end_of(std::span<const std::int32_t> ids, std::span<const std::int32_t> after,
                                 std::optional<std::int32_t> eos) {
  std::vector<std::int32_t> out;
  const bool has_eos =
      (!ids.empty() && ids.back() == eos) || (eos && std::ranges::find(after, *eos) != after.end());
  if (eos && !has_eos) out.push_back(*eos);
  if (!ends_with(ids, after)) out.insert(out.end(), after.begin(), after.end());
  return out;
}

}  // namespace

EncodedExample encode_example(const Tokenizer& tokenizer, const Example& example,
                              const EncodeExampleOptions& options) {
  const EncodeOptions encode =
      example.has_marks ? EncodeOptions{.add_special = false, .special_text = SpecialText::kParse}
                        : EncodeOptions{.add_special = false, .special_text = SpecialText::kAsFile};
  EncodedExample out;
  const auto ids = tokenizer.encode(example.text, encode);
  // Some data sets are text that a template has rendered, marks included: those are not doubled.
  const Surround around = example.has_marks ? Surround() : surround_of(tokenizer);
  if (!begins_with(ids, around.before)) out.ids = around.before;
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
  if (!example.has_marks && options.add_eos) {
    const std::vector<std::int32_t> end = end_of(ids, around.after, tokenizer.special().eos);
    const bool ends_trained = !example.trained.empty() && example.trained.back().end == example.text.size();
    out.ids.insert(out.ids.end(), end.begin(), end.end());
    out.in_loss.insert(out.in_loss.end(), end.size(), options.train_on_all || ends_trained ? 1 : 0);
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
