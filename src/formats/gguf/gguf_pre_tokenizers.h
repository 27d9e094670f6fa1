// How the byte-level BPE tokenizers cut text into words before pairs are merged: llama.cpp knows the ways by
// names (tokenizer.ggml.pre), tokenizer.json by their rules.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lq {

enum class BpeWords {
  kGpt2,
  kDigitsThenGpt2,  // each digit is a word
  kLlama3,
  kQwen2,
  kQwen35,
  kGpt4o,  // also Phi-4-mini
  kTekken,
  kDeepSeekCoder,
  kDeepSeek3,
  kBloom,
  kSeedCoder,
  kBailing,
  kJais2,
  kMiniCpm5,
  kUfakzeka,
  kLlamaCppDefault,
};

struct PreTokenizerName {
  std::string_view name;  // tokenizer.ggml.pre
  BpeWords words;
  bool whole_words = false;  // a word that is a token is not built by merges
  bool adds_bos = false;     // where nothing else is said
};

// Throws Error(kUnsupported) starting with `who` and naming all that are known.
const PreTokenizerName& gguf_pre_tokenizer(std::string_view name, std::string_view who);

// tokenizer.json's "pre_tokenizer".
nlohmann::ordered_json pre_tokenizer_json(BpeWords words);
// {"type": "ByteLevel", ...}; cuts_words: by GPT-2's rule.
nlohmann::ordered_json byte_level_json(bool cuts_words);

// The name of the way that a tokenizer.json's "pre_tokenizer" cuts words. Throws Error(kUnsupported) starting
// with `who` and saying what the file has, where it is none that llama.cpp is known to have.
std::string_view name_of_pre_tokenizer(const nlohmann::ordered_json& pre_tokenizer, bool whole_words,
                                       std::string_view who);

}  // namespace lq
