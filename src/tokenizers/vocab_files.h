// Tokenizers kept as plain vocabularies: vocab.json with merges.txt (GPT-2, Qwen2, RoBERTa) and vocab.txt
// (BERT). The rest of what makes them is in the classes of transformers; tokenizer_config.json names the
// class.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenizers/hf_tokenizer.h"
#include "tokenizers/tokenizer_config.h"

namespace lq::tokenizers {

// vocab, merges: contents of the two files. Without a class: GPT-2's. Throws kCorruptFile with the file and
// the line, kUnsupported for classes other than GPT2Tokenizer, Qwen2Tokenizer, RobertaTokenizer,
// BartTokenizer.
std::unique_ptr<HfTokenizer> make_vocab_merges_tokenizer(std::string_view vocab, const std::string& vocab_who,
                                                         std::string_view merges,
                                                         const std::string& merges_who,
                                                         const TokenizerConfig& config);

// vocab: content of vocab.txt, one piece a line.
std::unique_ptr<HfTokenizer> make_vocab_txt_tokenizer(std::string_view vocab, const std::string& who,
                                                      const TokenizerConfig& config);

}  // namespace lq::tokenizers
