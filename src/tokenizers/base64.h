// Base64 (RFC 4648): tiktoken's ranks and tokenizer.json's character maps are written in it.
#pragma once

#include <string>
#include <string_view>

namespace lq::tokenizers {

// Throws kCorruptFile (who names the file) at a character that is not base64 or at a wrong length.
std::string decode_base64(std::string_view text, const std::string& who);

}  // namespace lq::tokenizers
