// Which tokens end a text that a model writes.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/generation_config.h"
#include "models/model_spec.h"
#include "tokenizers/tokenizer.h"

namespace lq {

// Those of generation_config.json where it names any, as in transformers; else config.json's and the
// tokenizer's end-of-text token. A chat template's end of turn is not among them.
std::vector<std::int32_t> end_tokens(const GenerationConfig& file, const ModelSpec& spec,
                                     const Tokenizer& tokenizer);

}  // namespace lq
