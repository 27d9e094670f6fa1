// tokenizer.json from anybody: loads or throws Error; what loads encodes and decodes.
#include "base/error.h"
#include "tokenizers/hf_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = lq::tokenizers::make_hf_tokenizer(bytes, {}, "fuzz");
    const auto ids = tokenizer->encode("The quick <s>brown</s> fox\n\xC3\xA9\xE4\xB8\xAD 12  aab", true);
    tokenizer->decode(ids, false);
    tokenizer->encode(bytes.substr(0, 200), false);
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
