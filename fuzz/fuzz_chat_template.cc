// A Jinja chat template from anybody: renders or throws Error.
#include "base/error.h"
#include "templates/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    const auto chat = lq::ChatTemplate::from_jinja(source, "<s>", "</s>", "fuzz");
    const std::vector<lq::ChatMessage> talk = {
        {"system", "be brief"}, {"user", "one?"}, {"assistant", " two. "}};
    chat.segments(talk);
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
