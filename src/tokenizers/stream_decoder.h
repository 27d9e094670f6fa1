// Text of a growing list of token ids, piece by piece, for generation that streams. What push() and finish()
// return, put together, is tokenizer.decode(all ids), and no piece ends inside a UTF-8 character. (Where a
// model emits bytes that are no UTF-8, the number of replacement characters may differ from decode's, which
// sees the whole.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace lq::tokenizers {

class StreamDecoder {
 public:
  // prompt: ids that came before and whose text is not returned (they decide, for example, whether the first
  // new token keeps its leading space). tokenizer outlives this object.
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special, std::vector<std::int32_t> prompt = {});

  // The text that became certain through this id; often empty while a character is incomplete.
  std::string push(std::int32_t id);
  // What was held back; an unfinished character comes as U+FFFD.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::vector<std::int32_t> ids_;  // a few emitted ids as context, then those not emitted yet
  std::size_t context_ = 0;        // how many of ids_ are emitted
  std::string context_text_;       // decode(ids_[0 .. context_))
};

}  // namespace lq::tokenizers
