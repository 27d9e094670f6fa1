#include "data/record_fields.h"

#include "base/error.h"
#include "data/whole_numbers.h"
#include "files/json_file.h"

namespace lq {

using Json = nlohmann::ordered_json;

std::string RecordFields::name(const std::string& field) const {
  const auto it = names_.find(field);
  return it == names_.end() ? field : it->second;
}

bool RecordFields::holds(const std::string& field) const {
  const auto it = record_.find(name(field));
  return it != record_.end() && !it->is_null();
}

bool RecordFields::has(const std::string& field) const {
  asked_.insert(name(field));
  return holds(field);
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
  const std::string where = fmt::format("{}: '{}'", place_, name(field));
  Json parsed = parse_ordered_json(text, where);
  check_whole_numbers(text, parsed, where);
  return parsed;
}

void RecordFields::count_unused(DataReport& report) const {
  for (const auto& [key, value] : record_.items()) {
    const bool empty = value.is_string() ? value.get_ref<const std::string&>().empty() : value.empty();
    if (!empty && !asked_.contains(key)) report.count(Finding::kUnusedField, key, place_);
  }
}

}  // namespace lq
