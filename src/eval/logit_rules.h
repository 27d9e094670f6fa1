// Rules of generation_config.json that forbid or force tokens, whatever their logits: as transformers'
// logits processors of these names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "files/json_object.h"

namespace lq {

// Where the text to continue begins and must end, in tokens.
struct TextBounds {
  std::int64_t prompt = 0;                // tokens of the prompt
  std::optional<std::int64_t> most = {};  // prompt and new tokens, at most
};

struct LogitRules {
  std::int64_t no_repeat_ngram_size = 0;                  // no run of so many tokens comes twice; 0: may come
  std::vector<std::vector<std::int32_t>> bad_words = {};  // runs of tokens that do not come
  // No end token before the text has so many tokens, prompt included; not looked at where min_new_tokens is.
  std::int64_t min_length = 0;
  std::optional<std::int64_t> min_new_tokens = {};
  std::optional<std::int32_t> forced_bos = {};    // the second token, after a prompt of one
  std::vector<std::int32_t> forced_eos = {};      // the last token that max-tokens allows is one of these
  std::vector<std::int32_t> suppress = {};        // never come
  std::vector<std::int32_t> begin_suppress = {};  // do not come first

  // Of a generation_config.json. Throws Error(kCorruptFile) naming file and key.
  static LogitRules read(const JsonObject& file);

  bool empty() const { return texts().empty(); }
  // Names and values of the file's keys that are set: "no_repeat_ngram_size 3".
  std::vector<std::string> texts() const;
  // The same as one text, which differs where the rules do; without rules: empty.
  std::string key() const;
  // Logits of forbidden tokens become -infinity. history: prompt and new tokens; ends: the tokens that end a
  // text. Throws Error(kMismatch) for a forced token outside the vocabulary.
  void apply(std::span<float> logits, std::span<const std::int32_t> history, const TextBounds& bounds,
             std::span<const std::int32_t> ends) const;
};

}  // namespace lq
