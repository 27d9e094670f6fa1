// How text is cut into words: the `pre_tokenizer` of tokenizer.json.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/gpt_splitter.h"

namespace lq::tokenizers {

// Words of one section of the text. Texts that a step rewrote are kept in `store`.
struct WordList {
  struct Word {
    std::string_view text;
    bool at_start;  // nothing of the whole text lies before it
  };
  std::vector<Word> words;
  std::deque<std::string> store;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Replaces the words of list by smaller ones, none empty.
  virtual void apply(WordList& list) const = 0;
};

// The steps of a pre_tokenizer, one after the other.
struct PreTokenizerSteps {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  // The last step was ByteLevel: words stay raw bytes here and the model reads them as such, instead of
  // having them spelled in byte_level characters.
  bool byte_level = false;
  // All that the steps do is cut by this pattern (and byte_level): the short way.
  std::optional<GptPattern> only_pattern;
};

// spec: ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Digits, BertPreTokenizer,
// CharDelimiterSplit, Sequence; null gives no steps. model_reads_bytes: the model is a BPE that can take raw
// bytes. Throws kUnsupported, kCorruptFile; who names the file.
PreTokenizerSteps make_pre_tokenizer(const nlohmann::json& spec, bool model_reads_bytes,
                                     const std::string& who);

}  // namespace lq::tokenizers
