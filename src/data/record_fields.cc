#include "data/record_fields.h"

#include "base/error.h"
#include "files/json_file.h"

namespace lq {

using Json = nlohmann::ordered_json;

std::string RecordFields::name(const std::string& field) const {
  const auto it = names_.find(field);
  return it == names_.end() ? field : it->second;
}

bool RecordFields::has(const std::string& field) const {
  const std::string key = name(field);
  asked_.insert(key);
  const auto it = record_.find(key);
  return it != record_.end() && !it->is_null();
}

const Json& RecordFields::get(const std::string& field) const {
  LQ_CHECK(has(field), kCorruptFile, "{}: '{}' is missing", place_, name(field));
  return record_.at(name(field));
}

std::string RecordFields::text(const std::string& field) const {
  const Json& value = get(field);
  LQ_CHECK(value.is_string(), kCorruptFile, "{}: '{}' should be a string, is {}", place_, name(field),
           value.type_name());
  return value.get<std::string>();
}

std::string RecordFields::text_or(const std::string& field) const {
  return has(field) ? text(field) : std::string();
}

Json RecordFields::value_or_null(const std::string& field) const {
  if (!has(field)) return nullptr;
  const Json& value = get(field);
  if (!value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return nullptr;
  return parse_ordered_json(text, fmt::format("{}: '{}'", place_, name(field)));
}

void RecordFields::count_unused(DataReport& report) const {
  for (const auto& [key, value] : record_.items()) {
    const bool empty = value.is_string() ? value.get_ref<const std::string&>().empty() : value.empty();
    if (!empty && !asked_.contains(key)) report.count(Finding::kUnusedField, key, place_);
  }
}

}  // namespace lq
