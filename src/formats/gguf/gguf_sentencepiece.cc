// tokenizer.model of the SentencePiece BPE tokenizers (tokenizer.ggml.model "llama"): the fields of
// sentencepiece_model.proto that make a tokenizer, written as protobuf.
#include <algorithm>
#include <bit>

#include "base/error.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace lq {
namespace {

class ProtobufText {
 public:
  void number(unsigned field, std::uint64_t value) {
    varint(field << 3U);
    varint(value);
  }
  void flag(unsigned field, bool value) { number(field, value ? 1 : 0); }
  void bytes(unsigned field, std::string_view value) {
    varint((field << 3U) | 2U);
    varint(value.size());
    text_ += value;
  }
  void float32(unsigned field, float value) {
    varint((field << 3U) | 5U);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) text_ += static_cast<char>((bits >> shift) & 0xffU);
  }
  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) text_ += static_cast<char>(value | 0x80U);
    text_ += static_cast<char>(value);
  }

  std::string text_;
};

// Numbers of fields in sentencepiece_model.proto.
constexpr unsigned kPieces = 1;
constexpr unsigned kTrainerSpec = 2;
constexpr unsigned kNormalizerSpec = 3;

std::string trainer_spec(const GgufTokens& tokens) {
  constexpr std::uint64_t kBpe = 2;
  ProtobufText out;
  out.number(3, kBpe);
  out.number(4, tokens.texts.size());
  out.flag(35, std::ranges::find(tokens.types, GgufTokenType::kByte) != tokens.types.end());
  const auto special = [&](unsigned id_field, unsigned text_field, std::int64_t id) {
    out.number(id_field, static_cast<std::uint64_t>(id));  // -1, for none, as an int32 is written
    if (id >= 0) out.bytes(text_field, tokens.texts[static_cast<std::size_t>(id)]);
  };
  special(40, 45, tokens.unk);
  special(41, 46, tokens.bos);
  special(42, 47, tokens.eos);
  special(43, 48, tokens.pad);
  return out.text();
}

std::string normalizer_spec(const GgufMetadata& keys) {
  ProtobufText out;
  const std::string charsmap = keys.bytes("tokenizer.ggml.precompiled_charsmap");
  out.bytes(1, charsmap.empty() ? "identity" : "precompiled");
  out.bytes(2, charsmap);
  out.flag(3, keys.boolean_or("tokenizer.ggml.add_space_prefix", true));
  out.flag(4, keys.boolean_or("tokenizer.ggml.remove_extra_whitespaces", false));
  out.flag(5, true);
  return out.text();
}

}  // namespace

std::string gguf_sentencepiece_model(const GgufTokens& tokens, const GgufMetadata& keys) {
  LQ_CHECK(tokens.scores.size() == tokens.texts.size(), kCorruptFile,
           "{}: tokenizer.ggml.scores has {} entries for {} tokens", keys.who(), tokens.scores.size(),
           tokens.texts.size());
  ProtobufText out;
  for (std::size_t id = 0; id < tokens.texts.size(); ++id) {
    ProtobufText piece;
    piece.bytes(1, tokens.texts[id]);
    piece.float32(2, tokens.scores[id]);
    piece.number(3, static_cast<std::uint64_t>(tokens.types[id]));
    out.bytes(kPieces, piece.text());
  }
  out.bytes(kTrainerSpec, trainer_spec(tokens));
  out.bytes(kNormalizerSpec, normalizer_spec(keys));
  return out.text();
}

}  // namespace lq
