#include "tokenizers/text_pair.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizers/tokenizer.h"

namespace lq::tokenizers {

std::pair<std::int64_t, std::int64_t> longest_first(std::int64_t n1, std::int64_t n2, std::int64_t most) {
  if (n1 + n2 <= most) return {n1, n2};
  std::int64_t shorter = std::min(n1, n2);
  std::int64_t longer = shorter > most ? shorter : std::max(shorter, most - shorter);
  const bool swapped = n1 > n2;
  if (shorter + longer > most) {
    shorter = most / 2;
    longer = shorter + most % 2;
  }
  return swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

EncodedTexts encode_texts(const Tokenizer& tokenizer, std::string_view first,
                          std::optional<std::string_view> second, std::int64_t max_length) {
  const std::vector<TextPart> parts = second ? tokenizer.pair_parts() : tokenizer.single_parts();
  LQ_CHECK(!parts.empty(), kUnsupported,
           "[tokenizer] {}: its file does not say how two texts are put together (a template for a pair)",
           tokenizer.kind());
  const EncodeOptions plain{.add_special = false};
  std::vector<std::int32_t> texts[2] = {tokenizer.encode(first, plain), {}};
  if (second) texts[1] = tokenizer.encode(*second, plain);
  const auto tokens = std::ranges::count_if(parts, [](const TextPart& p) { return p.text < 0; });
  const std::int64_t most = max_length - tokens;
  LQ_CHECK(most >= (second ? 2 : 1), kInvalidArgument,
           "[tokenizer] sequences of {} tokens leave no room for a text beside {} special tokens", max_length,
           tokens);
  const std::int64_t n1 = std::ssize(texts[0]), n2 = std::ssize(texts[1]);
  const auto [keep1, keep2] = second ? longest_first(n1, n2, most) : std::pair(std::min(n1, most), n2);
  EncodedTexts out;
  out.cut = n1 + n2 - keep1 - keep2;
  texts[0].resize(static_cast<std::size_t>(keep1));
  texts[1].resize(static_cast<std::size_t>(keep2));
  for (const TextPart& part : parts) {
    if (part.text < 0) {
      out.ids.push_back(part.id);
    } else {
      const std::vector<std::int32_t>& ids = texts[part.text];
      out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    }
    out.types.resize(out.ids.size(), part.type);
  }
  return out;
}

}  // namespace lq::tokenizers
