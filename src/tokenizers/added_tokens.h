// Tokens that are found in the text before the model sees it ("<s>", "<|im_end|>"), by the rules of Hugging
// Face: leftmost first, the longest of those that start there; flags widen or refuse a match.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/trie.h"

namespace lq {
class JsonObject;
}

namespace lq::tokenizers {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool special = false;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // and after it
  bool normalized = false;   // looked for in the normalized text, by its normalized content
};

// Content and flags, as tokenizer.json and tokenizer_config.json write them; the id stands elsewhere. Throws
// kCorruptFile.
AddedToken read_added_token(const JsonObject& fields);

// A stretch of text: one token (id >= 0), or text for the model (id < 0).
struct Section {
  std::int32_t id;
  std::string_view text;
};

class AddedTokenMatcher {
 public:
  // pattern: the bytes to look for, the token's content or its normal form.
  void add(const AddedToken& token, const std::string& pattern);
  bool empty() const { return tokens_.empty(); }
  // Cuts text into sections, none empty. with_special = false: special tokens are left in the text.
  void split(std::string_view text, bool with_special, std::vector<Section>& out) const;

 private:
  ByteTrie trie_;
  std::vector<AddedToken> tokens_;  // trie values index this
  bool first_byte_[256] = {};
};

}  // namespace lq::tokenizers
