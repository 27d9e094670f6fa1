#include "files/options/option_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/byte_size.h"
#include "files/content_hash.h"

namespace lq {
namespace {

using Json = nlohmann::json;

std::string number_text(double x) { return fmt::format("{}", x); }

// The JSON of a field; null where it has no value.
template <typename T>
Json json_of(const T& field) {
  return Json(field);
}
template <typename T>
Json json_of(const std::optional<T>& field) {
  return field.has_value() ? Json(*field) : Json();
}
template <typename T>
void put(T& field, std::int64_t value) {
  field = static_cast<T>(value);
}
void put(std::optional<std::int64_t>& field, std::int64_t value) { field = value; }

template <typename T>
OptionValuePtr integer_value(T& field, std::int64_t least, std::int64_t most) {
  const std::string expected =
      most == kNoLimit ? fmt::format("{} or more", least) : fmt::format("{} to {}", least, most);
  return option_value({.type = OptionType::kInteger,
                       .expected = expected,
                       .get = [&field] { return json_of(field); },
                       .set =
                           [&field, least, most, expected](const Json& value) {
                             const bool large =
                                 value.is_number_unsigned() &&
                                 value.get<std::uint64_t>() > static_cast<std::uint64_t>(kNoLimit);
                             const std::int64_t x = large ? 0 : value.get<std::int64_t>();
                             if (large || x < least || x > most) refuse_value(value, expected);
                             put(field, x);
                           }});
}

void check_number(const Json& value, const NumberRange& range) {
  if (!range.contains(value.get<double>())) refuse_value(value, range.text());
}

template <typename T>
OptionValuePtr number_value(T& field, const NumberRange& range) {
  return option_value({.type = OptionType::kNumber,
                       .expected = range.text(),
                       .get = [&field] { return json_of(field); },
                       .set =
                           [&field, range](const Json& value) {
                             check_number(value, range);
                             field = value.get<double>();
                           }});
}

template <typename T>
OptionValuePtr bytes_value(T& field) {
  return option_value({.type = OptionType::kBytes,
                       .expected = "a size such as 6GiB",
                       .get = [&field] { return field == 0 ? Json() : Json(field); },
                       .set =
                           [&field](const Json& value) {
                             const std::string text =
                                 value.is_string() ? value.get<std::string>() : value.dump();
                             field = static_cast<T>(parse_byte_size(text, ""));
                           },
                       .identity = [&field] { return Json(field); }});
}

}  // namespace

OptionValuePtr flag(bool& field) { return switch_to(field, true); }

OptionValuePtr no_flag(bool& field) {
  return option_value({.type = OptionType::kFlag,
                       .get = [&field] { return Json(!field); },
                       .set = [&field](const Json& value) { field = !value.get<bool>(); },
                       .identity = [&field] { return Json(field); }});
}

OptionValuePtr accepted() {
  return option_value({.type = OptionType::kFlag,
                       .get = [] { return Json(false); },
                       .set = [](const Json&) {},
                       .identity = [] { return std::optional<Json>(); }});
}

OptionValuePtr integer(std::int64_t& field, std::int64_t least, std::int64_t most) {
  return integer_value(field, least, most);
}
OptionValuePtr integer(int& field, std::int64_t least, std::int64_t most) {
  return integer_value(field, least, most);
}

OptionValuePtr integer(std::optional<std::int64_t>& field, std::int64_t least, std::int64_t most) {
  return integer_value(field, least, most);
}

bool NumberRange::contains(double x) const {
  return std::isfinite(x) && (above ? x > least : x >= least) && (below ? x < most : x <= most);
}

std::string NumberRange::text() const {
  const bool bottom = std::isfinite(least);
  const bool top = std::isfinite(most);
  if (!bottom && !top) return "a number";
  const std::string low = above ? fmt::format("above {}", least) : number_text(least);
  if (!top) return above ? "a number " + low : low + " or more";
  const std::string high = below ? fmt::format("below {}", most) : number_text(most);
  return !above && !below ? low + " to " + high
                          : (above ? low : low + " or more") + " and " + (below ? high : "at most " + high);
}

OptionValuePtr number(double& field, NumberRange range) { return number_value(field, range); }
OptionValuePtr number(std::optional<double>& field, NumberRange range) { return number_value(field, range); }

OptionValuePtr text(std::string& field) {
  return option_value({.get = [&field] { return Json(field); },
                       .set = [&field](const Json& value) { field = value.get<std::string>(); }});
}

OptionValuePtr texts(std::vector<std::string>& field, bool commas) {
  return option_value({.list = true,
                       .commas = commas,
                       .get = [&field] { return Json(field); },
                       .set = [&field](const Json& v) { field = v.get<std::vector<std::string>>(); }});
}

OptionValuePtr words(std::vector<std::string>& field, const std::vector<std::string>& names) {
  const std::string expected = alternatives(names);
  return option_value({.type = OptionType::kName,
                       .list = true,
                       .commas = true,
                       .expected = expected,
                       .names = names,
                       .get = [&field] { return Json(field); },
                       .set =
                           [&field, names, expected](const Json& value) {
                             for (const Json& one : value) {
                               if (std::find(names.begin(), names.end(), one.get<std::string>()) ==
                                   names.end())
                                 refuse_value(one, expected);
                             }
                             field = value.get<std::vector<std::string>>();
                           }});
}

OptionValuePtr named(const std::vector<std::string>& names, std::function<std::string()> get,
                     std::function<void(const std::string&)> set) {
  const std::string expected = alternatives(names);
  return option_value({.type = OptionType::kName,
                       .expected = expected,
                       .names = names,
                       .get =
                           [get = std::move(get)] {
                             const std::string now = get();
                             return now.empty() ? Json() : Json(now);
                           },
                       .set =
                           [names, expected, set = std::move(set)](const Json& value) {
                             const auto& name = value.get_ref<const std::string&>();
                             if (std::find(names.begin(), names.end(), name) == names.end())
                               refuse_value(value, expected);
                             set(name);
                           }});
}

OptionValuePtr word(std::string& field, const std::vector<std::string>& names) {
  return named(
      names, [&field] { return field; }, [&field](const std::string& name) { field = name; });
}

OptionValuePtr path(std::filesystem::path& field) {
  return option_value({.type = OptionType::kPath,
                       .get = [&field] { return field.empty() ? Json() : Json(field.string()); },
                       .set = [&field](const Json& value) { field = value.get<std::string>(); }});
}

OptionValuePtr path(std::optional<std::filesystem::path>& field) {
  return option_value({.type = OptionType::kPath,
                       .get = [&field] { return field.has_value() ? Json(field->string()) : Json(); },
                       .set = [&field](const Json& value) { field = value.get<std::string>(); }});
}

OptionValuePtr paths(std::vector<std::filesystem::path>& field) {
  return option_value({.type = OptionType::kPath,
                       .list = true,
                       .get =
                           [&field] {
                             Json all = Json::array();
                             for (const auto& one : field) all.push_back(one.string());
                             return all;
                           },
                       .set =
                           [&field](const Json& value) {
                             field.clear();
                             for (const Json& one : value) field.emplace_back(one.get<std::string>());
                           }});
}

OptionValuePtr contents(std::filesystem::path& field) {
  return option_value({.type = OptionType::kPath,
                       .get = [&field] { return field.empty() ? Json() : Json(field.string()); },
                       .set = [&field](const Json& value) { field = value.get<std::string>(); },
                       .identity = [&field] { return field.empty() ? Json() : Json(content_hash(field)); }});
}

OptionValuePtr bytes(std::int64_t& field) { return bytes_value(field); }
OptionValuePtr bytes(std::uint64_t& field) { return bytes_value(field); }

OptionValuePtr parsed(std::function<std::string()> get, std::function<void(const std::string&)> set,
                      std::function<std::optional<Json>()> identity) {
  return option_value({.get =
                           [get = std::move(get)] {
                             const std::string now = get();
                             return now.empty() ? Json() : Json(now);
                           },
                       .set = [set = std::move(set)](const Json& v) { set(v.get_ref<const std::string&>()); },
                       .identity = std::move(identity)});
}

OptionValuePtr parsed_list(std::function<std::vector<std::string>()> get,
                           std::function<void(const std::vector<std::string>&)> set,
                           std::function<std::optional<Json>()> identity, bool commas) {
  return option_value(
      {.list = true,
       .commas = commas,
       .get = [get = std::move(get)] { return Json(get()); },
       .set = [set = std::move(set)](const Json& v) { set(v.get<std::vector<std::string>>()); },
       .identity = std::move(identity)});
}

}  // namespace lq
