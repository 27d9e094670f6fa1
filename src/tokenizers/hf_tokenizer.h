// A tokenizer built of Hugging Face's parts: added tokens -> normalizer -> pre-tokenizer -> model ->
// post-processor, and back through the decoder.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/decoder.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/post_processor.h"
#include "tokenizers/pre_tokenizer.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_config.h"
#include "tokenizers/word_model.h"

namespace lq::tokenizers {

struct HfParts {
  std::string kind;
  std::unique_ptr<WordModel> model;        // required
  std::unique_ptr<Normalizer> normalizer;  // nullptr: none
  PreTokenizerSteps pre;
  std::unique_ptr<Decoder> decoder;  // nullptr: tokens with spaces between
  PostProcessor post;
  std::vector<AddedToken> added;
};

class HfTokenizer final : public Tokenizer {
 public:
  // config adds its own tokens, names BOS and EOS and may switch them on or off. who: names the file in
  // errors.
  HfTokenizer(HfParts parts, const TokenizerConfig& config, const std::string& who);

  using Tokenizer::encode;
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  std::int32_t vocab_size() const override { return size_; }
  std::string piece(std::int32_t id) const override;
  std::optional<std::int32_t> id_of(std::string_view piece) const override;
  bool is_special(std::int32_t id) const override;
  bool takes_space_behind(std::int32_t id) const override;
  std::vector<TextPart> single_parts() const override;
  std::vector<TextPart> pair_parts() const override { return parts_.post.pair; }
  // All that are found in a text whole, of this file and those beside it, by their ids.
  std::vector<AddedToken> added_tokens() const;

 private:
  void add_tokens(const TokenizerConfig& config, const std::string& who);
  void wrap_with_bos_eos(const TokenizerConfig& config);
  void encode_section(std::string_view text, bool at_start, WordScratch& scratch,
                      std::vector<std::int32_t>& out) const;

  HfParts parts_;
  std::int32_t size_ = 0;
  AddedTokenMatcher raw_;         // tokens looked for in the text as it came
  AddedTokenMatcher normalized_;  // and in the normalized text
  std::unordered_map<std::int32_t, AddedToken> by_id_;
  std::unordered_map<std::string, std::int32_t> by_content_;
  std::unordered_map<std::int32_t, std::string> normal_forms_;  // of tokens that the normalizer changes
  bool split_special_ = false;                                  // SpecialText::kAsFile is kPlain
  mutable WordCachePool caches_;
};

// tokenizer.json's content. who: names the file. Throws kCorruptFile, kUnsupported.
std::unique_ptr<HfTokenizer> make_hf_tokenizer(std::string_view json, const TokenizerConfig& config,
                                               const std::string& who);

}  // namespace lq::tokenizers
