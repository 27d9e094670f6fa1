// Byte-pair encoding as Hugging Face's `BPE` model does it: a vocabulary and a ranked list of merges.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/pair_map.h"
#include "tokenizers/word_model.h"

namespace lq::tokenizers {

struct BpeOptions {
  std::optional<std::string> unk;
  std::string prefix;          // continuing_subword_prefix: before every character but a word's first
  std::string suffix;          // end_of_word_suffix: after a word's last character
  bool fuse_unk = false;       // a run of unknown characters is one unknown token
  bool byte_fallback = false;  // unknown characters become <0x..> tokens
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  bool byte_level = false;     // words are raw bytes, the vocabulary writes them as byte_level::to_text does
};

class BpeModel final : public WordModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;
  // who: names the file in errors. Throws kCorruptFile for a merge whose parts or result are not in the
  // vocabulary. encode throws kUnsupported where it needs an unknown token that is not in the vocabulary.
  BpeModel(Vocab vocab, const Merges& merges, BpeOptions options, const std::string& who);

  void encode(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const override;

 private:
  void encode_cached(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const;
  void encode_new(std::string_view word, WordScratch& scratch, std::vector<std::int32_t>& out) const;
  void symbols_of_text(std::string_view word, std::vector<BpeSymbol>& symbols) const;

  BpeOptions options_;
  std::string who_;
  PairMap<Merged> merges_;
  std::int32_t unk_ = Vocab::kNone;
  std::array<std::int32_t, 256> byte_ids_{};     // byte_level: the id of each byte's character
  std::array<std::int32_t, 256> byte_tokens_{};  // byte_fallback: <0x00> ...
  std::array<std::int32_t, 128>
      ascii_ids_{};              // of one-character tokens, where no prefix or suffix changes them
  bool all_bytes_ = false;       // byte_level, and no byte is missing
  bool cuts_at_marker_ = false;  // no merge crosses from another character to U+2581
};

}  // namespace lq::tokenizers
