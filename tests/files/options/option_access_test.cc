#include "files/options/option_access.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/option_error.h"

namespace lq {
namespace {

using Json = nlohmann::json;

// A value of that kind that keeps what it was set to.
OptionAccess kept_in(Json& field, OptionType type, bool list = false) {
  return {.type = type,
          .list = list,
          .get = [&field] { return field; },
          .set = [&field](const Json& value) { field = value; }};
}

std::string refusal_of(OptionValue& option, const Json& value) {
  try {
    option.set(value);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(OptionAccess, WordsBecomeValuesOfTheType) {
  Json field;
  const OptionValuePtr whole = option_value(kept_in(field, OptionType::kInteger));
  whole->set("12");
  EXPECT_EQ(field, Json(12));
  EXPECT_EQ(refusal_of(*whole, "12x"), "is '12x', but must be a whole number");
  EXPECT_EQ(refusal_of(*whole, 1.5), "is 1.5, but must be a whole number");
  EXPECT_EQ(refusal_of(*whole, true), "is true, but must be a whole number");
  const OptionValuePtr flag = option_value(kept_in(field, OptionType::kFlag));
  flag->set("false");
  EXPECT_EQ(field, Json(false));
  EXPECT_EQ(refusal_of(*flag, "no"), "is 'no', but must be true or false");
  EXPECT_EQ(field, Json(false)) << "what was refused changes nothing";
}

TEST(OptionAccess, OneValueOfAListIsAListOfOne) {
  Json field;
  const OptionValuePtr numbers = option_value(kept_in(field, OptionType::kNumber, true));
  numbers->set(Json({1, "2.5"}));
  EXPECT_EQ(field, Json({1, 2.5}));
  numbers->set("3e2");
  EXPECT_EQ(field, Json({300.0}));
  EXPECT_EQ(refusal_of(*numbers, Json({1, "two"})), "is 'two', but must be a number");
}

// What the setter throws is read after the option's key.
TEST(OptionAccess, ErrorsArePhrases) {
  Json field;
  OptionAccess access = kept_in(field, OptionType::kText);
  access.set = [](const Json& value) {
    if (value == "phrase") fail(ErrorCode::kInvalidArgument, "is odd");
    if (value == "option") throw OptionError("other", "has no file");
    fail(ErrorCode::kInvalidArgument, "line 3: no bracket");
  };
  const OptionValuePtr option = option_value(access);
  EXPECT_EQ(refusal_of(*option, "phrase"), "is odd");
  EXPECT_EQ(refusal_of(*option, "option"), "has no file");
  EXPECT_EQ(refusal_of(*option, "else"), "is wrong: line 3: no bracket");
}

TEST(OptionAccess, AnotherIdentityLeavesTheValue) {
  Json field = "path";
  const OptionValuePtr option = identity_by(
      option_value(kept_in(field, OptionType::kText)), [] { return Json("hash"); },
      [](const Json& old) { return Json("today's " + old.get<std::string>()); });
  EXPECT_EQ(option->get(), Json("path"));
  EXPECT_EQ(option->identity(), Json("hash"));
  EXPECT_EQ(option->identity_today("hash"), Json("today's hash"));
  option->set("elsewhere");
  EXPECT_EQ(field, Json("elsewhere"));
}

}  // namespace
}  // namespace lq
