// Unigram language model (Kudo 2018): of all ways to cut a word into pieces, the one with the largest sum of
// scores. As Hugging Face's `Unigram` model does it; SentencePiece's own rounds differently and is in
// sentencepiece.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tokenizers/trie.h"
#include "tokenizers/word_model.h"

namespace lq::tokenizers {

class UnigramModel final : public WordModel {
 public:
  // scores: of each id, log probabilities. unk: id of the unknown token. Throws kCorruptFile.
  UnigramModel(Vocab vocab, std::vector<double> scores, std::optional<std::int32_t> unk, bool byte_fallback,
               const std::string& who);
  void encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const override;

 private:
  std::vector<double> scores_;
  std::optional<std::int32_t> unk_;
  bool byte_fallback_;
  double unk_score_ = 0.0;
  ByteTrie trie_;
  std::vector<std::int32_t> byte_tokens_;  // <0x00> ... <0xFF>, or kNone
  std::string who_;
};

}  // namespace lq::tokenizers
