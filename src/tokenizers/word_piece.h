// WordPiece (BERT): the longest piece that the word begins with, then the longest that the rest begins with
// ...; as Hugging Face's `WordPiece` model. Also its `WordLevel`: a word is one token or unknown.
#pragma once

#include <string>

#include "tokenizers/word_model.h"

namespace lq::tokenizers {

struct WordPieceOptions {
  std::string unk = "[UNK]";
  std::string prefix = "##";          // of pieces inside a word
  std::int64_t max_characters = 100;  // a longer word is unknown
};

class WordPieceModel final : public WordModel {
 public:
  // encode throws kUnsupported where it needs an unknown token that is not in the vocabulary.
  WordPieceModel(Vocab vocab, WordPieceOptions options, const std::string& who);
  void encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const override;

 private:
  void encode_new(std::string_view word, std::vector<std::int32_t>& out) const;
  WordPieceOptions options_;
  std::string who_;
  std::int32_t unk_;
  std::size_t longest_ = 0;  // bytes of the longest piece
};

class WordLevelModel final : public WordModel {
 public:
  WordLevelModel(Vocab vocab, const std::string& unk, const std::string& who);
  void encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const override;

 private:
  std::string unk_name_, who_;
  std::int32_t unk_;
};

}  // namespace lq::tokenizers
