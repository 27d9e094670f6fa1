// From tokens back to text: the `decoder` of tokenizer.json.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lq::tokenizers {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Rewrites the list; the text is what its strings make together. A step may leave bytes that are not UTF-8.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

// spec: ByteLevel, WordPiece, Metaspace, ByteFallback, Fuse, Strip, Replace, BPEDecoder, Sequence; null gives
// nullptr (tokens are then put together with spaces). Throws kUnsupported, kCorruptFile; who names the file.
std::unique_ptr<Decoder> make_decoder(const nlohmann::json& spec, const std::string& who);

}  // namespace lq::tokenizers
