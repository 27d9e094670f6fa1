// The middle of a Hugging Face tokenizer: a word (what the pre-tokenizer cut) to ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizers/bpe_merge.h"
#include "tokenizers/vocab.h"
#include "tokenizers/word_cache.h"

namespace lq::tokenizers {

// What one call of encode() brings along.
struct WordScratch {
  WordCache& cache;
  BpeScratch bpe;
};

class WordModel {
 public:
  virtual ~WordModel() = default;
  // Appends the ids of word. REQUIRES: word is valid UTF-8, or raw bytes where the model was made for them.
  virtual void encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const = 0;
  const Vocab& vocab() const { return vocab_; }

 protected:
  Vocab vocab_;
};

}  // namespace lq::tokenizers
