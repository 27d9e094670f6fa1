#include "data/labelled_text.h"

namespace lq {

LabelledExamples encode_labelled(const Tokenizer& tokenizer, std::span<const LabelledText> texts,
                                 std::int64_t max_length) {
  LabelledExamples out;
  out.examples.reserve(texts.size());
  for (const LabelledText& text : texts) {
    EncodedTexts encoded = encode_texts(tokenizer, text.first, text.second, max_length);
    if (encoded.cut > 0) {
      if (out.truncated == 0) out.first_truncated = text.place;
      ++out.truncated;
      out.cut_tokens += encoded.cut;
    }
    EncodedExample& example = out.examples.emplace_back();
    example.ids = std::move(encoded.ids);
    example.in_loss.assign(example.ids.size(), 0);
    example.types = std::move(encoded.types);
    example.label = text.label;
  }
  return out;
}

}  // namespace lq
