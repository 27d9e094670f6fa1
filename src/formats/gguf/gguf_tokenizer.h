// What a GGUF file says of its tokenizer, chat template and stops, as the files of a model directory that say
// the same, so that everything which reads those reads a GGUF file too, and an export has them beside it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/gguf/gguf_metadata.h"

namespace lq {

// Types of tokens; the values are the format's own (SentencePiece's).
enum class GgufTokenType : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct GgufTokens {
  std::vector<std::string> texts;  // index = id; all valid UTF-8
  std::vector<GgufTokenType> types;
  std::vector<float> scores;  // none for byte-level BPE
  bool add_bos = false, add_eos = false;
  bool of_phi3 = false;  // by the model's name, as llama.cpp knows its tokens' flags
  // -1: none.
  std::int64_t bos = -1, eos = -1, unk = -1, pad = -1;

  // Found in the text before the model sees it: control, unknown and user-defined tokens.
  bool is_added(std::size_t id) const;
  bool is_special(std::size_t id) const;  // the first two of them
  // White space behind it is dropped (rstrip). The format has no field for that.
  bool takes_space_behind(std::size_t id) const;
};

// File name -> content: tokenizer.json (tokenizer.ggml.model "gpt2" and "bert") or tokenizer.model ("llama"),
// tokenizer_config.json with the chat template, generation_config.json of models that generate, and how a
// sentence encoder pools (gguf_pooling.h). None where the file has no tokenizer.
// Throws Error(kUnsupported) for another kind of tokenizer, a pre-tokenizer or key that is not known;
// Error(kCorruptFile), Error(kNotFound) naming the key.
std::map<std::string, std::string> gguf_side_texts(const GgufMetadata& keys);

// Of these: tokenizer.json of a byte-level BPE. gguf_bpe.cc.
std::string gguf_bpe_json(const GgufTokens& tokens, const GgufMetadata& keys);
// Whether a pre-tokenizer's models begin texts with BOS where nothing else is said.
bool gguf_bpe_adds_bos(const GgufMetadata& keys);
// tokenizer.model, SentencePiece's protobuf. gguf_sentencepiece.cc.
std::string gguf_sentencepiece_model(const GgufTokens& tokens, const GgufMetadata& keys);

}  // namespace lq
