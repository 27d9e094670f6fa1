#include "files/json_difference.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace lq {

std::string json_differences(const nlohmann::json& before, const nlohmann::json& now) {
  using Json = nlohmann::json;
  const auto flat = [](const Json& json) {
    return json.is_structured() && !json.empty() ? json.flatten() : Json{{"/", json}};
  };
  Json all = flat(before);
  const Json old = all;
  const Json fresh = flat(now);
  all.update(fresh);
  std::string text;
  int count = 0;
  for (const auto& item : all.items()) {
    const std::string& key = item.key();
    const auto show = [&](const Json& in) {
      return in.contains(key) ? printable(in[key].dump(-1, ' ', true, Json::error_handler_t::replace))
                              : std::string("not given");
    };
    if (old.contains(key) && fresh.contains(key) && old[key] == fresh[key]) continue;
    if (++count > 4) return text + "; ...";
    text += fmt::format("{}{} was {}, now {}", count == 1 ? "" : "; ",
                        printable(key.starts_with('/') ? key.substr(1) : key), show(old), show(fresh));
  }
  return text;
}

}  // namespace lq
