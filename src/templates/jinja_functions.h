// Filters, tests and methods of Jinja values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lq::jinja {

// A value, or none at all (an undefined name, a missing member).
struct Value {
  nlohmann::json json;
  bool undefined = false;
};

struct Arguments {
  std::vector<Value> values;
  std::vector<std::string> names;  // empty for positional ones
  // The argument by position, or by name; nullptr where it is not given.
  const nlohmann::json* get(std::size_t position, std::string_view name) const;
};

// place: "file: line n", for errors.
bool truth(const Value& value);
// As {{ value }} prints it; undefined prints nothing.
std::string to_text(const Value& value);
Value call_filter(const std::string& name, const Value& value, const Arguments& arguments,
                  const std::string& place);
bool call_test(const std::string& name, const Value& value, const Arguments& arguments,
               const std::string& place);
Value call_method(const std::string& name, const Value& object, const Arguments& arguments,
                  const std::string& place);
Value binary(const std::string& op, const Value& left, const Value& right, const std::string& place);

}  // namespace lq::jinja
