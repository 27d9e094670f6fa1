#include "files/options/option_access.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/option_error.h"

namespace lq {
namespace {

using Json = nlohmann::json;

std::string shown(const Json& value) {
  if (value.is_string()) return fmt::format("'{}'", value.get_ref<const std::string&>());
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());  // also nan
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const char* type_text(OptionType type) {
  switch (type) {
    case OptionType::kFlag:
      return "true or false";
    case OptionType::kInteger:
      return "a whole number";
    case OptionType::kNumber:
      return "a number";
    case OptionType::kBytes:
      return "a size such as 6GiB";
    default:
      return "a text";
  }
}

bool has_type(OptionType type, const Json& value) {
  switch (type) {
    case OptionType::kFlag:
      return value.is_boolean();
    case OptionType::kInteger:
      return value.is_number_integer();
    case OptionType::kNumber:
      return value.is_number();
    case OptionType::kBytes:
      return value.is_number_integer() || value.is_string();
    default:
      return value.is_string();
  }
}

// What the reader of an option is told follows its key.
[[noreturn]] void rethrow_as_phrase(const Error& e) {
  const auto* of_option = dynamic_cast<const OptionError*>(&e);
  const std::string problem(of_option != nullptr ? of_option->problem() : std::string_view(e.what()));
  const bool phrase = of_option != nullptr || problem.starts_with("is ");
  throw Error(ErrorCode::kInvalidArgument, (phrase ? "" : "is wrong: ") + problem);
}

class AccessedValue final : public OptionValue {
 public:
  explicit AccessedValue(OptionAccess access) : access_(std::move(access)) {}
  OptionType type() const override { return access_.type; }
  bool list() const override { return access_.list; }
  bool commas() const override { return access_.commas; }
  std::string expected() const override { return access_.expected; }
  std::vector<std::string> names() const override { return access_.names; }
  Json get() const override { return access_.get(); }

  void set(const Json& value) override {
    try {
      if (!access_.list) return access_.set(typed(value));
      Json all = Json::array();
      for (const Json& one : value.is_array() ? value : Json::array({value})) all.push_back(typed(one));
      access_.set(all);
    } catch (const Error& e) {
      rethrow_as_phrase(e);
    }
  }
  std::optional<Json> identity() const override { return access_.identity ? access_.identity() : get(); }
  Json identity_today(const Json& old) const override {
    return access_.identity_today ? access_.identity_today(old) : old;
  }

 private:
  Json typed(const Json& value) const {
    const bool word = value.is_string() && !has_type(access_.type, value);
    Json result = word ? option_word(access_.type, value.get_ref<const std::string&>()) : value;
    if (!has_type(access_.type, result)) refuse_value(value, type_text(access_.type));
    return result;
  }

  OptionAccess access_;
};

class IdentifiedValue final : public OptionValue {
 public:
  IdentifiedValue(OptionValuePtr value, std::function<std::optional<Json>()> identity,
                  std::function<Json(const Json&)> today)
      : value_(std::move(value)), identity_(std::move(identity)), today_(std::move(today)) {}
  OptionType type() const override { return value_->type(); }
  bool list() const override { return value_->list(); }
  bool commas() const override { return value_->commas(); }
  std::string expected() const override { return value_->expected(); }
  std::vector<std::string> names() const override { return value_->names(); }
  Json get() const override { return value_->get(); }
  void set(const Json& value) override { value_->set(value); }
  std::optional<Json> identity() const override { return identity_(); }
  Json identity_today(const Json& old) const override {
    return today_ ? today_(old) : value_->identity_today(old);
  }

 private:
  OptionValuePtr value_;
  std::function<std::optional<Json>()> identity_;
  std::function<Json(const Json&)> today_;
};

}  // namespace

void refuse_value(const Json& value, const std::string& expected) {
  fail(ErrorCode::kInvalidArgument, "is {}, but must be {}", shown(value), expected);
}

Json option_word(OptionType type, const std::string& word) {
  const char* const end = word.data() + word.size();
  if (type == OptionType::kFlag && (word == "true" || word == "false")) return word == "true";
  if (type == OptionType::kInteger) {
    std::int64_t x = 0;
    const auto [stop, error] = std::from_chars(word.data(), end, x);
    if (error == std::errc() && stop == end && !word.empty()) return x;
  }
  if (type == OptionType::kNumber) {
    double x = 0;
    const auto [stop, error] = std::from_chars(word.data(), end, x);
    if (error == std::errc() && stop == end && !word.empty()) return x;
  }
  if (type == OptionType::kFlag || type == OptionType::kInteger || type == OptionType::kNumber)
    refuse_value(word, type_text(type));
  return word;
}

OptionValuePtr option_value(OptionAccess access) {
  return std::make_unique<AccessedValue>(std::move(access));
}

OptionValuePtr identity_by(OptionValuePtr value, std::function<std::optional<Json>()> identity,
                           std::function<Json(const Json&)> today) {
  return std::make_unique<IdentifiedValue>(std::move(value), std::move(identity), std::move(today));
}

}  // namespace lq
