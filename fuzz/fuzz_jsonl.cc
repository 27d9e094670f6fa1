// Data files from anybody, JSON lines and lists: every record is an example, or an Error, or is counted as
// bad.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/example.h"
#include "data/record_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const lq::ChatTemplate chat = lq::ChatTemplate::by_name("llama-2", "<s>", "</s>");
  lq::ExampleMaker maker({.chat = &chat});
  lq::DataReport report;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string name = data[0] % 2 == 0 ? "fuzz.jsonl" : "fuzz.json";
  try {
    const auto reader = lq::RecordReader::from_memory(bytes, name, {.skip_bad = true, .on_bad = {}});
    nlohmann::ordered_json record;
    while (reader->next(record)) {
      try {
        maker.make(record, reader->place(), report);
      } catch (const lq::Error& e) {
        if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
      }
    }
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
