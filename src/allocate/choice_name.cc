#include "allocate/choice_name.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/json_parts.h"

namespace lq {

nlohmann::json choice_name_to_json(std::string_view name) {
  if (name.find(' ') == std::string_view::npos) return parts_to_json(name);
  return std::string(name);
}

std::string choice_name_from_json(const nlohmann::json& json, std::string_view who) {
  if (!json.is_string()) return parts_from_json(json, who);
  LQ_CHECK(!json.get_ref<const std::string&>().empty(), kCorruptFile, "{}: a choice without a name", who);
  return json.get<std::string>();
}

}  // namespace lq
