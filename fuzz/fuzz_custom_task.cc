// A benchmark described by anybody, asked about anybody's record and given any answer: scores, or an Error.
// The TOML file ends at a byte 0; what follows is the record, in JSON, up to the next one, and the answer.

#include "base/error.h"
#include "eval/custom_task.h"

namespace {

std::string_view cut(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

void answer(const lq::Task& task, const nlohmann::ordered_json& json, std::string_view text) {
  const lq::TaskItem item = task.item({json, "fuzz.jsonl:1", "", nullptr});
  lq::TaskAnswer given;
  given.text = text;
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    given.log_likelihoods.push_back(i < text.size() ? -static_cast<double>(text[i] & 0x7F) : -1.0);
    given.greedy.push_back(false);
  }
  for (const auto& [name, score] : task.score(item, given)) {
    if (!(score >= 0.0 && score <= 1.0)) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  try {
    const lq::Task task = lq::parse_custom_task(cut(rest), "fuzz.toml");
    const auto json = nlohmann::ordered_json::parse(cut(rest), nullptr, false);
    if (json.is_object()) answer(task, json, rest);
  } catch (const lq::Error& e) {
    if (e.code() == lq::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
