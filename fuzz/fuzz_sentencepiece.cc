// A SentencePiece model, or tiktoken ranks, from anybody: loads or throws Error; what loads encodes and
// decodes.
#include "base/error.h"
#include "tokenizers/sentencepiece.h"
#include "tokenizers/tiktoken.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto use = [&](const lq::Tokenizer& tokenizer) {
    const auto ids = tokenizer.encode("The quick <s>brown</s> fox\n\xC3\xA9\xE4\xB8\xAD 12  aab", true);
    tokenizer.decode(ids, false);
    tokenizer.encode(bytes.substr(0, 200), false);
  };
  try {
    if (lq::tokenizers::looks_like_sentencepiece(bytes)) {
      use(lq::tokenizers::SentencePieceTokenizer(bytes, {}, "fuzz"));
    } else {
      use(lq::tokenizers::TiktokenTokenizer(bytes, {}, "fuzz"));
    }
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
