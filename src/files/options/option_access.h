// A value behind functions: what all kinds of OptionValue (option_values.h) are made of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "files/options/option.h"

namespace lq {

using OptionValuePtr = std::unique_ptr<OptionValue>;

// Throws Error(kInvalidArgument) "is VALUE, but must be EXPECTED".
[[noreturn]] void refuse_value(const nlohmann::json& value, const std::string& expected);

struct OptionAccess {
  OptionType type = OptionType::kText;
  bool list = false;
  bool commas = false;
  std::string expected = {};
  std::vector<std::string> names = {};
  std::function<nlohmann::json()> get;
  std::function<void(const nlohmann::json&)> set;  // of a value of the type; throws as OptionValue::set
  std::function<std::optional<nlohmann::json>()> identity = {};              // empty: get
  std::function<nlohmann::json(const nlohmann::json&)> identity_today = {};  // empty: as it is
};
OptionValuePtr option_value(OptionAccess access);

// The same value, with this identity (and this identity_today).
OptionValuePtr identity_by(OptionValuePtr value, std::function<std::optional<nlohmann::json>()> identity,
                           std::function<nlohmann::json(const nlohmann::json&)> today = {});

}  // namespace lq
