// The kinds of OptionValue, made where an option is described: integer(o.rows, 1, 1 << 20).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_names.h"
#include "files/options/option_access.h"

namespace lq {

// A flag: given, it is true.
OptionValuePtr flag(bool& field);
// A flag that takes something away ("no-shuffle"): given, the field is false. Its identity is the field.
OptionValuePtr no_flag(bool& field);
// A flag that is taken and changes nothing.
OptionValuePtr accepted();
// A flag that sets the field to `value`. Its identity is the flag.
template <typename T>
OptionValuePtr switch_to(T& field, T value) {
  return option_value({.type = OptionType::kFlag,
                       .get = [&field, value] { return nlohmann::json(field == value); },
                       .set =
                           [&field, value](const nlohmann::json& on) {
                             if (on.get<bool>()) field = value;
                           }});
}

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

// Whole numbers from `least` to `most`.
OptionValuePtr integer(std::int64_t& field, std::int64_t least, std::int64_t most = kNoLimit);
OptionValuePtr integer(int& field, std::int64_t least, std::int64_t most);
// The same; nothing while it is not given.
OptionValuePtr integer(std::optional<std::int64_t>& field, std::int64_t least, std::int64_t most = kNoLimit);

// Finite numbers.
struct NumberRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool above = false;  // `least` itself is not in it
  bool below = false;  // `most` itself is not in it
  bool contains(double x) const;
  std::string text() const;  // "a number above 0", "0 to 1"
};
constexpr NumberRange kAnyNumber = {};
constexpr NumberRange kAboveZero = {.least = 0.0, .above = true};
// lora_alpha: what adapters may say (formats/peft_config.h), and no scaling that f32 has no numbers for.
constexpr NumberRange kAlphaRange = {.least = 1e-9, .most = 1e9};
constexpr NumberRange kZeroOrMore = {.least = 0.0};
constexpr NumberRange kShare = {.least = 0.0, .most = 1.0};
constexpr NumberRange kBelowOne = {.least = 0.0, .most = 1.0, .below = true};

OptionValuePtr number(double& field, NumberRange range = kAnyNumber);
// The same; nothing while it is not given.
OptionValuePtr number(std::optional<double>& field, NumberRange range = kAnyNumber);

OptionValuePtr text(std::string& field);
OptionValuePtr texts(std::vector<std::string>& field, bool commas = false);
// Only these words.
OptionValuePtr words(std::vector<std::string>& field, const std::vector<std::string>& names);
// One of these words; "" while none is given.
OptionValuePtr word(std::string& field, const std::vector<std::string>& names);

// Its identity is the path itself.
OptionValuePtr path(std::filesystem::path& field);
OptionValuePtr path(std::optional<std::filesystem::path>& field);
OptionValuePtr paths(std::vector<std::filesystem::path>& field);
// Its identity is the hash of what lies there; null while no path is given.
OptionValuePtr contents(std::filesystem::path& field);

// At least one byte; 0 while none is given.
OptionValuePtr bytes(std::int64_t& field);
OptionValuePtr bytes(std::uint64_t& field);

// A function for OptionValue::identity_today of an enum, which an older version may have written as a number
// or by an old name.
template <typename E, std::size_t N>
std::function<nlohmann::json(const nlohmann::json&)> identity_today_of(const EnumName<E> (&names)[N]) {
  return [&names](const nlohmann::json& old) -> nlohmann::json {
    std::optional<E> value;
    if (old.is_number_integer()) value = static_cast<E>(old.get<int>());
    if (old.is_string()) value = enum_find(names, old.get_ref<const std::string&>());
    const bool known = value.has_value() && !enum_name(names, *value).empty();
    return known ? nlohmann::json(enum_name(names, *value)) : old;
  };
}

// One of an enum's names.
template <typename E, std::size_t N>
OptionValuePtr name(E& field, const EnumName<E> (&names)[N]) {
  return option_value({.type = OptionType::kName,
                       .expected = alternatives(enum_list(names)),
                       .names = enum_list(names),
                       .get = [&field, &names] { return nlohmann::json(enum_name(names, field)); },
                       .set =
                           [&field, &names](const nlohmann::json& value) {
                             const auto found = enum_find(names, value.get_ref<const std::string&>());
                             if (!found.has_value()) refuse_value(value, alternatives(enum_list(names)));
                             field = *found;
                           },
                       .identity_today = identity_today_of(names)});
}

// The same; nothing while none is given.
template <typename E, std::size_t N>
OptionValuePtr name(std::optional<E>& field, const EnumName<E> (&names)[N]) {
  return option_value(
      {.type = OptionType::kName,
       .expected = alternatives(enum_list(names)),
       .names = enum_list(names),
       .get = [&field,
               &names] { return field ? nlohmann::json(enum_name(names, *field)) : nlohmann::json(); },
       .set =
           [&field, &names](const nlohmann::json& value) {
             const auto found = enum_find(names, value.get_ref<const std::string&>());
             if (!found.has_value()) refuse_value(value, alternatives(enum_list(names)));
             field = *found;
           },
       .identity_today = identity_today_of(names)});
}

// A name that stands for more than one field: read and set by these functions.
OptionValuePtr named(const std::vector<std::string>& names, std::function<std::string()> get,
                     std::function<void(const std::string&)> set);

// A value that is read from a text, by a function that throws Error(kInvalidArgument).
OptionValuePtr parsed(std::function<std::string()> get, std::function<void(const std::string&)> set,
                      std::function<std::optional<nlohmann::json>()> identity = {});
// Several of them.
OptionValuePtr parsed_list(std::function<std::vector<std::string>()> get,
                           std::function<void(const std::vector<std::string>&)> set,
                           std::function<std::optional<nlohmann::json>()> identity = {}, bool commas = false);

}  // namespace lq
