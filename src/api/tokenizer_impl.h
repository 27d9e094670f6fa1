// What is behind the public types: tokenizers.
#pragma once

#include "lqlora/tokenizer.h"
#include "tokenizers/tokenizer.h"

namespace lqlora {

struct Tokenizer::Impl {
  std::unique_ptr<lq::Tokenizer> tokenizer;
};

}  // namespace lqlora
