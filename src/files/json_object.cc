#include "files/json_object.h"

#include <cmath>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"

namespace lq {
namespace {

// What a value looks like in a message.
std::string shown(const nlohmann::ordered_json& value) {
  return printable(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

// Full names ("rope_scaling.factor") of the keys asked for.
struct JsonObject::Asked {
  std::mutex mutex;
  std::set<std::string, std::less<>> keys;
};

JsonObject JsonObject::load(const std::filesystem::path& file) {
  return parse(read_text(file), "[json] " + file.string());
}

JsonObject JsonObject::parse(std::string_view text, std::string who) {
  nlohmann::ordered_json json = parse_ordered_json(text, who);
  return {std::move(json), std::move(who)};
}

JsonObject::JsonObject(nlohmann::ordered_json json, std::string who)
    : json_(std::move(json)), who_(std::move(who)), asked_(std::make_shared<Asked>()) {
  LQ_CHECK(json_.is_object(), kCorruptFile, "{}: an object was expected, not {}", who_, json_.type_name());
}

JsonObject JsonObject::record(const nlohmann::json& json, std::string who) {
  JsonObject object(nlohmann::ordered_json(json), std::move(who));
  object.record_ = true;
  return object;
}

std::string JsonObject::name_of(std::string_view key) const {
  return fmt::format("{}: key '{}{}'", who_, prefix_, key);
}

const nlohmann::ordered_json* JsonObject::value(std::string_view key) const {
  {
    const std::lock_guard lock(asked_->mutex);
    asked_->keys.insert(prefix_ + std::string(key));
  }
  const auto it = json_.find(std::string(key));
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

const nlohmann::ordered_json& JsonObject::required(std::string_view key) const {
  const auto* found = value(key);
  if (found != nullptr) return *found;
  fail(record_ ? ErrorCode::kCorruptFile : ErrorCode::kNotFound, "{} is missing", name_of(key));
}

void JsonObject::refuse(std::string_view key, std::string_view expected) const {
  fail(ErrorCode::kCorruptFile, "{} is {}, but {} was expected", name_of(key), shown(required(key)),
       expected);
}

std::vector<std::string> JsonObject::unread_keys() const {
  std::vector<std::string> unread;
  const std::lock_guard lock(asked_->mutex);
  for (const auto& [key, value] : json_.items()) {
    if (!asked_->keys.contains(prefix_ + key)) unread.push_back(key);
  }
  return unread;
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
  return to_integer(required(key), min, max, name_of(key));
}

std::int64_t JsonObject::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                    std::int64_t max) const {
  return has(key) ? integer(key, min, max) : fallback;
}

namespace {

double to_number(const nlohmann::ordered_json& json, double min, double max, const std::string& name) {
  const double number = json.is_number() ? json.get<double>() : std::nan("");
  LQ_CHECK(std::isfinite(number) && number >= min && number <= max, kCorruptFile,
           "{} is {}, but a number from {} to {} was expected", name, shown(json), min, max);
  return number;
}

}  // namespace

double JsonObject::number(std::string_view key, double min, double max) const {
  return to_number(required(key), min, max, name_of(key));
}

double JsonObject::number_or(std::string_view key, double fallback, double min, double max) const {
  return has(key) ? number(key, min, max) : fallback;
}

std::optional<double> JsonObject::number_if(std::string_view key) const {
  return has(key) ? std::optional(number(key)) : std::nullopt;
}

std::vector<double> JsonObject::numbers(std::string_view key, double min, double max) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  if (!json->is_array()) refuse(key, "a list of numbers");
  std::vector<double> out;
  for (const auto& item : *json) out.push_back(to_number(item, min, max, name_of(key)));
  return out;
}

std::uint64_t JsonObject::unsigned64(std::string_view key) const {
  const auto& json = required(key);
  if (!json.is_number_unsigned() && !(json.is_number_integer() && json.get<std::int64_t>() >= 0))
    refuse(key, "an integer of 0 or more");
  return json.get<std::uint64_t>();
}

bool JsonObject::boolean(std::string_view key) const {
  const auto& json = required(key);
  if (!json.is_boolean()) refuse(key, "true or false");
  return json.get<bool>();
}

bool JsonObject::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : fallback;
}

std::string JsonObject::text(std::string_view key) const {
  const auto& json = required(key);
  if (!json.is_string()) refuse(key, "a text");
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
  if (!good) refuse(key, "a list of texts");
  return out;
}

std::vector<std::int64_t> JsonObject::integers(std::string_view key, std::int64_t min,
                                               std::int64_t max) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  const std::string name = name_of(key);
  if (!json->is_array()) return {to_integer(*json, min, max, name)};
  std::vector<std::int64_t> out;
  for (const auto& item : *json) out.push_back(to_integer(item, min, max, name));
  return out;
}

JsonObject JsonObject::inner(const nlohmann::ordered_json& json, const std::string& path) const {
  JsonObject inner(json, who_);
  inner.prefix_ = fmt::format("{}{}.", prefix_, path);
  inner.record_ = record_;
  inner.asked_ = asked_;
  return inner;
}

JsonObject JsonObject::section(std::string_view key) const {
  const auto& json = required(key);
  if (!json.is_object()) refuse(key, "an object");
  return inner(json, std::string(key));
}

std::vector<JsonObject> JsonObject::sections(std::string_view key) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  std::vector<JsonObject> all;
  if (!json->is_array()) refuse(key, "a list of objects");
  for (const auto& item : *json) {
    const std::string place = fmt::format("{}[{}]", key, all.size());
    LQ_CHECK(item.is_object(), kCorruptFile, "{} is {}, but an object was expected", name_of(place),
             shown(item));
    all.push_back(inner(item, place));
  }
  return all;
}

std::vector<JsonObject> JsonObject::required_sections(std::string_view key) const {
  required(key);
  return sections(key);
}

std::vector<std::pair<std::string, JsonObject>> JsonObject::named_sections(std::string_view key) const {
  const auto* json = value(key);
  if (json == nullptr) return {};
  std::vector<std::pair<std::string, JsonObject>> all;
  if (!json->is_object()) refuse(key, "an object of objects");
  for (const auto& [name, item] : json->items()) {
    if (!item.is_object()) refuse(key, "an object of objects");
    all.emplace_back(name, inner(item, fmt::format("{}.{}", key, name)));
  }
  return all;
}

std::optional<JsonObject> JsonObject::section_if(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  return section(key);
}

void JsonObject::save(const std::filesystem::path& path) const { write_json(path, json_); }

}  // namespace lq
