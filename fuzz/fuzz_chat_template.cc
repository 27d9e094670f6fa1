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
    const auto rich = lq::ChatJson::parse(
        R"([{"role": "system", "content": [{"type": "text", "text": "p"}]}, {"role": "user", "content": "q"},
            {"role": "assistant", "content": "", "reasoning_content": "r", "tool_calls": [{"id": "c", "type": "function",
             "function": {"name": "f", "arguments": {"z": 1.5, "a": [null, true, "\u00e9"]}}}]},
            {"role": "tool", "content": "7"}, {"role": "assistant", "content": "x"}])");
    lq::ChatOptions options;
    options.tools =
        lq::ChatJson::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {}}}])");
    chat.render_with_mask(rich, options);
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
