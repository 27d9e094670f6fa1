#include "tokenizers/pattern.h"

#include "base/error.h"
#include "files/json_object.h"

namespace lq::tokenizers {

Pattern::Pattern(const nlohmann::json& spec, const std::string& who) {
  if (spec.is_string()) {
    literal_ = spec.get<std::string>();
  } else if (spec.is_object() && spec.contains("String")) {
    literal_ = JsonObject::record(spec, who).text("String");
  } else if (spec.is_object() && spec.contains("Regex")) {
    source_ = JsonObject::record(spec, who).text("Regex");
    regex_ = std::make_shared<Regex>(source_, who);
  } else {
    fail(ErrorCode::kCorruptFile, "{}: 'pattern' should be {{\"String\": ...}} or {{\"Regex\": ...}}", who);
  }
}

std::string Pattern::replace(std::string_view text, std::string_view with) const {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for_each(text, [&](std::size_t begin, std::size_t end) {
    out.append(text.substr(done, begin - done)).append(with);
    done = end;
  });
  out.append(text.substr(done));
  return out;
}

}  // namespace lq::tokenizers
