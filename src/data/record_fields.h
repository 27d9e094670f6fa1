// The fields of a record by the names that the user gave them, and which of them were asked for.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "data/data_report.h"

namespace lq {

class RecordFields {
 public:
  // names: other names of fields, as columns may have them. All arguments outlive this.
  RecordFields(const nlohmann::ordered_json& record, const std::map<std::string, std::string>& names,
               const std::string& place)
      : record_(record), names_(names), place_(place) {}

  std::string name(const std::string& field) const;
  // There, and not null. holds() only looks: it does not count as asking for the field.
  bool has(const std::string& field) const;
  bool holds(const std::string& field) const;
  // Throw kCorruptFile with place and name: missing, or not a string.
  const nlohmann::ordered_json& get(const std::string& field) const;
  std::string text(const std::string& field) const;
  // Empty where it is missing.
  std::string text_or(const std::string& field) const;
  // The value; parsed where it is a string that holds JSON, as tables have it. Null where it is missing or an
  // empty string. Throws kCorruptFile for a string that is not JSON.
  nlohmann::ordered_json value_or_null(const std::string& field) const;

  const std::string& place() const { return place_; }
  // Counts the fields of the record that were never asked for and are not null or empty.
  void count_unused(DataReport& report) const;

 private:
  const nlohmann::ordered_json& record_;
  const std::map<std::string, std::string>& names_;
  const std::string& place_;
  mutable std::set<std::string> asked_;
};

}  // namespace lq
