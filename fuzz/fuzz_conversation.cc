// Chat data from anybody, a JSON record at a time: an example whose trained parts lie in its text, in order,
// or an Error.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/example.h"
#include "data/record_reader.h"

namespace {

constexpr const char* kTemplate =
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    "{% if m.content is string %}{{ m.content | trim }}{% else %}{% for p in m.content or [] %}{{ p.text "
    "}}{% endfor %}"
    "{% endif %}{% for c in m.tool_calls or [] %}{{ c | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const lq::ChatTemplate rich = lq::ChatTemplate::from_jinja(kTemplate, "<s>", "</s>", "fuzz");
  static const lq::ChatTemplate plain = lq::ChatTemplate::by_name("chatml", "", "<|im_end|>");
  if (size == 0) return 0;
  lq::ExampleMaker maker({.chat = data[0] % 2 == 0 ? &rich : &plain});
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  lq::DataReport report;
  try {
    const auto reader = lq::RecordReader::from_memory(bytes, "fuzz.jsonl",
                                                      {.skip_bad = true, .on_bad = {}, .report = &report});
    nlohmann::ordered_json record;
    while (reader->next(record)) {
      try {
        const lq::Example example = maker.make(record, reader->place(), report);
        std::size_t at = 0;
        for (const lq::TextSpan& span : example.trained) {
          if (span.begin < at || span.end < span.begin || span.end > example.text.size()) __builtin_trap();
          at = span.end;
        }
      } catch (const lq::Error& e) {
        if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
      }
    }
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  for (const std::string& line : report.lines()) {
    if (line.empty() || line.find('\n') != std::string::npos) __builtin_trap();
  }
  return 0;
}
