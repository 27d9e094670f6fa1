// Which tokens tokenizer_config.json and special_tokens_map.json call special, and by which names.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/added_tokens.h"

namespace lq::tokenizers {

class SpecialNames {
 public:
  // All keys that end in "_token" and hold a token, "<s>" or {"content": "<s>", "lstrip": ...}; and the lists
  // extra_special_tokens, or, where that is empty, additional_special_tokens. extra_special_tokens may be an
  // object of names and tokens, too. What a file read later names again replaces what was read before.
  // Throws kCorruptFile naming the file and the key.
  void read(const JsonObject& file);

  // Of "eos_token", for example; none where no file names it.
  std::optional<std::string> content(const std::string& name) const;
  // (name, content) of all that have names, in the order in which transformers takes them.
  std::vector<std::pair<std::string, std::string>> contents() const;
  // Those, then the lists', each content once. Ids are not set, all are special.
  std::vector<AddedToken> tokens() const;

 private:
  void set(const std::string& name, AddedToken token);
  bool read_list(const JsonObject& file, const char* key);

  std::vector<std::pair<std::string, AddedToken>> named_;
  std::vector<AddedToken> unnamed_;
};

}  // namespace lq::tokenizers
