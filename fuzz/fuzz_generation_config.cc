// A generation_config.json from anybody: options that a sampler takes, or an Error; its note is one line.
#include "base/error.h"
#include "eval/generation_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = lq::GenerationConfig::parse(text, "fuzz");
    for (const std::int32_t id : config.eos) {
      if (id < 0) __builtin_trap();
    }
    if (config.note({}).find('\n') != std::string::npos) __builtin_trap();
    try {
      lq::Sampler sampler(config.options({}));
    } catch (const lq::Error&) {
      __builtin_trap();  // what the reader takes, the sampler takes
    }
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
