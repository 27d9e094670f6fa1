#include "files/json_object.h"

#include <cmath>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"

namespace lq {
namespace {

constexpr std::uint64_t kConfigLimit =
    4'000'000;  // bytes; the largest real ones list labels and stay below 1 MB

// What a value looks like in a message.
std::string shown(const nlohmann::ordered_json& value) {
  return printable(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

JsonObject JsonObject::load(const std::filesystem::path& directory_or_file) {
  std::error_code ignored;
  const bool directory = std::filesystem::is_directory(directory_or_file, ignored);
  const std::filesystem::path file = directory ? directory_or_file / "config.json" : directory_or_file;
  return parse(read_text(file, kConfigLimit), "[config] " + file.string());
}

JsonObject JsonObject::parse(std::string_view text, std::string who) {
  nlohmann::ordered_json json = parse_ordered_json(text, who);
  return {std::move(json), std::move(who)};
}

JsonObject::JsonObject(nlohmann::ordered_json json, std::string who)
    : json_(std::move(json)), who_(std::move(who)) {
  LQ_CHECK(json_.is_object(), kCorruptFile, "{}: an object was expected, not {}", who_, json_.type_name());
}

const nlohmann::ordered_json* JsonObject::value(std::string_view key) const {
  const auto it = json_.find(std::string(key));
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

const nlohmann::ordered_json& JsonObject::required(std::string_view key) const {
  const auto* found = value(key);
  LQ_CHECK(found != nullptr, kNotFound, "{}: key '{}{}' is missing", who_, prefix_, key);
  return *found;
}

bool JsonObject::has(std::string_view key) const { return value(key) != nullptr; }

namespace {

std::int64_t to_integer(const nlohmann::ordered_json& json, std::int64_t min, std::int64_t max,
                        const std::string& name) {
  std::int64_t number = 0;
  bool good = false;
  if (json.is_number_unsigned()) {
    const auto u = json.get<std::uint64_t>();
    good = u <= static_cast<std::uint64_t>(INT64_MAX);
    number = good ? static_cast<std::int64_t>(u) : 0;
  } else if (json.is_number_integer()) {
    good = true;
    number = json.get<std::int64_t>();
  } else if (json.is_number_float()) {
    // Some programs write sizes as 12.0. Above 2^53 a double is no exact integer.
    const double d = json.get<double>();
    good = std::abs(d) <= 9007199254740992.0 && d == std::floor(d);
    number = good ? static_cast<std::int64_t>(d) : 0;
  }
  LQ_CHECK(good && number >= min && number <= max, kCorruptFile,
           "{} is {}, but an integer from {} to {} was expected", name, shown(json), min, max);
  return number;
}

}  // namespace

std::int64_t JsonObject::integer(std::string_view key, std::int64_t min, std::int64_t max) const {
  return to_integer(required(key), min, max, fmt::format("{}: key '{}{}'", who_, prefix_, key));
}

std::int64_t JsonObject::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                    std::int64_t max) const {
  return has(key) ? integer(key, min, max) : fallback;
}

double JsonObject::number(std::string_view key, double min, double max) const {
  const auto& json = required(key);
  const double number = json.is_number() ? json.get<double>() : std::nan("");
  LQ_CHECK(std::isfinite(number) && number >= min && number <= max, kCorruptFile,
           "{}: key '{}{}' is {}, but a number from {} to {} was expected", who_, prefix_, key, shown(json),
           min, max);
  return number;
}

double JsonObject::number_or(std::string_view key, double fallback, double min, double max) const {
  return has(key) ? number(key, min, max) : fallback;
}

bool JsonObject::boolean(std::string_view key) const {
  const auto& json = required(key);
  LQ_CHECK(json.is_boolean(), kCorruptFile, "{}: key '{}{}' is {}, but true or false was expected", who_,
           prefix_, key, shown(json));
  return json.get<bool>();
}

bool JsonObject::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : fallback;
}

std::string JsonObject::text(std::string_view key) const {
  const auto& json = required(key);
  LQ_CHECK(json.is_string(), kCorruptFile, "{}: key '{}{}' is {}, but a text was expected", who_, prefix_,
           key, shown(json));
  return json.get<std::string>();
}

std::string JsonObject::text_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? text(key) : std::string(fallback);
}

std::vector<std::string> JsonObject::texts(std::string_view key) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  if (json->is_string()) return {json->get<std::string>()};
  bool good = json->is_array();
  std::vector<std::string> out;
  for (const auto& item : *json) {
    good = good && item.is_string();
    if (good) out.push_back(item.get<std::string>());
  }
  LQ_CHECK(good, kCorruptFile, "{}: key '{}{}' is {}, but a list of texts was expected", who_, prefix_, key,
           shown(*json));
  return out;
}

std::vector<std::int64_t> JsonObject::integers(std::string_view key, std::int64_t min,
                                               std::int64_t max) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  const std::string name = fmt::format("{}: key '{}{}'", who_, prefix_, key);
  if (!json->is_array()) return {to_integer(*json, min, max, name)};
  std::vector<std::int64_t> out;
  for (const auto& item : *json) out.push_back(to_integer(item, min, max, name));
  return out;
}

JsonObject JsonObject::section(std::string_view key) const {
  const auto& json = required(key);
  LQ_CHECK(json.is_object(), kCorruptFile, "{}: key '{}{}' is {}, but an object was expected", who_, prefix_,
           key, shown(json));
  JsonObject inner(json, who_);
  inner.prefix_ = fmt::format("{}{}.", prefix_, key);
  return inner;
}

std::optional<JsonObject> JsonObject::section_if(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  return section(key);
}

void JsonObject::save(const std::filesystem::path& path) const { write_json(path, json_); }

}  // namespace lq
