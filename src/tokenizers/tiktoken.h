// tiktoken's ranks: lines of "base64-of-the-bytes rank", as Llama 3's tokenizer.model. Equal to OpenAI's
// `tiktoken`.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/bpe_merge.h"
#include "tokenizers/gpt_splitter.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_config.h"
#include "tokenizers/vocab.h"
#include "tokenizers/word_cache.h"
#include "unicode/regex.h"

namespace lq::tokenizers {

// The file holds neither its regular expression nor its special tokens; the number of ranks tells which it
// is: 50,256 GPT-2, 50,280 p50k, 100,256 cl100k, 199,998 o200k, 151,643 Qwen, anything else (128,000) Llama 3
// with its 256 special tokens behind the ranks. tokenizer_config.json's added_tokens_decoder takes the place
// of the special tokens.
class TiktokenTokenizer final : public Tokenizer {
 public:
  // who: names the file in errors. Throws kCorruptFile.
  TiktokenTokenizer(std::string_view bytes, const TokenizerConfig& config, const std::string& who);

  using Tokenizer::encode;
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  std::int32_t vocab_size() const override { return size_; }
  // In byte_level characters, as Hugging Face writes these vocabularies.
  std::string piece(std::int32_t id) const override;
  std::optional<std::int32_t> id_of(std::string_view piece) const override;
  bool is_special(std::int32_t id) const override { return special_tokens_.contains(id); }

 private:
  void encode_word(std::string_view word, WordCache& cache, BpeScratch& scratch,
                   std::vector<std::int32_t>& out) const;
  void encode_new(std::string_view word, BpeScratch& scratch, std::vector<std::int32_t>& out) const;

  Vocab ranks_;  // pieces are raw bytes; id = rank
  std::int32_t bytes_[256];
  std::optional<GptPattern> pattern_;
  std::optional<Regex> regex_;  // where the pattern is none of the hand-written ones
  AddedTokenMatcher matcher_;
  std::unordered_map<std::int32_t, std::string> special_tokens_;
  std::int32_t size_ = 0;
  mutable WordCachePool caches_;
};

}  // namespace lq::tokenizers
