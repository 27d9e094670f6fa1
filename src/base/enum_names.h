// Names of an enum's values: what stands in files, in recipes and on the command line.
//
//   inline constexpr EnumName<ScheduleKind> kScheduleNames[] = {
//       {ScheduleKind::kCosine, "cosine"}, {ScheduleKind::kLinear, "linear"}};
//
// The table stands beside its enum, in the order in which names are listed for people. The first name of a
// value is the one that is written; further ones are names of old, still read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/option_error.h"

namespace lq {

template <typename E>
struct EnumName {
  E value;
  std::string_view name;
};

// The name that is written. REQUIRES: the value has one.
template <typename E, std::size_t N>
constexpr std::string_view enum_name(const EnumName<E> (&names)[N], E value) {
  for (const EnumName<E>& entry : names) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

// Old names too; nothing for a name that no value has.
template <typename E, std::size_t N>
constexpr std::optional<E> enum_find(const EnumName<E> (&names)[N], std::string_view name) {
  for (const EnumName<E>& entry : names) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

// Without the old ones.
template <typename E, std::size_t N>
std::vector<std::string> enum_list(const EnumName<E> (&names)[N]) {
  std::vector<std::string> list;
  for (const EnumName<E>& entry : names) {
    if (enum_name(names, entry.value) == entry.name) list.emplace_back(entry.name);
  }
  return list;
}

// "cosine, linear or constant".
std::string alternatives(const std::vector<std::string>& names);

// Throws Error(kInvalidArgument) of the option, with the names there are.
template <typename E, std::size_t N>
E enum_parse(const EnumName<E> (&names)[N], std::string_view name, std::string_view option) {
  const std::optional<E> value = enum_find(names, name);
  check_option(value.has_value(), option, "is '{}', but must be {}", name, alternatives(enum_list(names)));
  return *value;
}

}  // namespace lq
