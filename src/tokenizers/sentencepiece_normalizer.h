// SentencePiece's normalizer: character map, white space rules, "▁" for a space.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/charsmap.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/trie.h"

namespace lq::tokenizers {

class SentencePieceNormalizer {
 public:
  // User-defined pieces of the file are passed through untouched.
  SentencePieceNormalizer(const SentencePieceFile& file, const std::string& who);

  // REQUIRES: valid UTF-8. dummy_prefix = false: no leading "▁" even where the model has one.
  std::string apply(std::string_view text, bool dummy_prefix) const;
  // Length of the longest user-defined piece that text[at..] begins with; 0: none.
  std::size_t user_defined(std::string_view text, std::size_t at) const;

 private:
  struct Part {
    std::string_view value;
    std::size_t consumed;
  };
  Part next(std::string_view text, std::size_t at) const;

  bool prefix_, squeeze_, escape_, suffix_;
  std::optional<Charsmap> map_;
  ByteTrie user_defined_;
  bool any_user_defined_ = false;
};

}  // namespace lq::tokenizers
