#include "allocate/json_values.h"

#include "base/error.h"

namespace lq {

std::string text_at(const nlohmann::json& object, const char* key, std::string_view who) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  LQ_CHECK(found->is_string(), kCorruptFile, "{}: \"{}\" is a {}, but must be text", who, key,
           found->type_name());
  return found->get<std::string>();
}

}  // namespace lq
