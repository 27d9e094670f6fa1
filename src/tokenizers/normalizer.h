// What is done to the text before it is cut into words: the `normalizer` of tokenizer.json.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lq::tokenizers {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // REQUIRES: text is valid UTF-8; it stays so.
  virtual void apply(std::string& text) const = 0;
};

// spec: {"type": "NFC"}, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, Nmt, ByteLevel,
// BertNormalizer, Precompiled, Sequence; null gives nullptr. who: names the file in errors. Throws
// kUnsupported for other types, kCorruptFile for missing or ill-typed fields.
std::unique_ptr<Normalizer> make_normalizer(const nlohmann::json& spec, const std::string& who);

}  // namespace lq::tokenizers
