// A SentencePiece model (BPE or unigram) as a Tokenizer, equal to Google's `sentencepiece` id for id.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/bpe_merge.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/sentencepiece_normalizer.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_config.h"
#include "tokenizers/trie.h"
#include "tokenizers/vocab.h"
#include "tokenizers/word_cache.h"

namespace lq::tokenizers {

// BOS is added where the model has one and tokenizer_config.json does not say otherwise (a T5Tokenizer adds
// EOS instead), EOS where it says so: as transformers does for Llama. Tokens in tokenizer_config.json and
// added_tokens.json are found in the text; the control pieces of a bare model only with SpecialText::kParse.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  // who: names the file in errors. Throws kCorruptFile, kUnsupported.
  SentencePieceTokenizer(std::string_view bytes, const TokenizerConfig& config, const std::string& who);

  using Tokenizer::encode;
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  std::int32_t vocab_size() const override { return size_; }
  std::string piece(std::int32_t id) const override;
  std::optional<std::int32_t> id_of(std::string_view piece) const override;
  bool is_special(std::int32_t id) const override;
  // The model as the class that transformers loads it by has it, and the tokens beside it, by their ids.
  const SentencePieceFile& file() const { return file_; }
  bool takes_space_behind(std::int32_t id) const override;
  std::vector<AddedToken> added_tokens() const;

 private:
  using Ids = std::vector<std::int32_t>;
  void add_tokens(const TokenizerConfig& config, const std::string& who);
  void prepare_bpe();
  void prepare_unigram();
  PieceType type(std::int32_t id) const { return file_.pieces[static_cast<std::size_t>(id)].type; }
  // Piece ids of normalized text; unknown stretches become bytes or one unknown token.
  void encode_bpe(std::string_view text, WordCache& cache, BpeScratch& scratch, Ids& out) const;
  void encode_bpe_word(std::string_view word, BpeScratch& scratch, Ids& out) const;
  void encode_unigram(std::string_view text, Ids& out) const;
  void resegment(std::string_view text, Ids& out, int depth) const;
  void emit(std::string_view text, std::int32_t id, Ids& out) const;
  std::string decode_pieces(std::span<const std::int32_t> ids, bool at_start) const;

  SentencePieceFile file_;
  SentencePieceNormalizer normalizer_;
  std::optional<Charsmap> denormalizer_;
  Vocab vocab_;                       // of all pieces
  Vocab mergeable_;                   // normal, user-defined and unused ones: what merges may make
  ByteTrie trie_;                     // unigram
  std::vector<std::uint32_t> ranks_;  // BPE: of each id by falling score
  bool cuts_at_space_ = false;        // BPE: no piece crosses from another character to U+2581
  float min_score_ = 0.0F, max_score_ = 0.0F;

  std::int32_t size_ = 0;
  AddedTokenMatcher configured_;   // found in text by default
  AddedTokenMatcher all_special_;  // these and the control pieces
  std::unordered_map<std::int32_t, AddedToken> added_;
  bool legacy_ = true;  // every stretch between special tokens gets its own dummy prefix
  mutable WordCachePool caches_;
};

}  // namespace lq::tokenizers
