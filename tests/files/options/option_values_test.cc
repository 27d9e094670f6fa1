#include "files/options/option_values.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

using Json = nlohmann::json;

std::string refusal(OptionValue& value, const Json& given) {
  try {
    value.set(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(OptionValues, Integers) {
  std::int64_t rows = 4;
  const auto value = integer(rows, 1, 10);
  EXPECT_EQ(value->get(), 4);
  value->set(7);
  EXPECT_EQ(rows, 7);
  value->set("9");  // a word of the command line
  EXPECT_EQ(rows, 9);
  EXPECT_EQ(refusal(*value, 0), "is 0, but must be 1 to 10");
  EXPECT_EQ(refusal(*value, "11"), "is 11, but must be 1 to 10");
  EXPECT_EQ(refusal(*value, "x"), "is 'x', but must be a whole number");
  EXPECT_EQ(refusal(*value, ""), "is '', but must be a whole number");
  EXPECT_EQ(refusal(*value, "3.5"), "is '3.5', but must be a whole number");
  EXPECT_EQ(refusal(*value, 3.5), "is 3.5, but must be a whole number");
  EXPECT_EQ(refusal(*value, "99999999999999999999"), "is '99999999999999999999', but must be a whole number");
  EXPECT_EQ(refusal(*value, Json(std::uint64_t{1} << 63)), "is 9223372036854775808, but must be 1 to 10");
  EXPECT_EQ(rows, 9) << "what is refused changes nothing";
  EXPECT_EQ(integer(rows, 1)->expected(), "1 or more");
}

TEST(OptionValues, Numbers) {
  double lr = 0.5;
  const auto value = number(lr, kAboveZero);
  value->set("2e-4");
  EXPECT_EQ(lr, 2e-4);
  value->set(3);
  EXPECT_EQ(lr, 3.0);
  EXPECT_EQ(refusal(*value, 0), "is 0, but must be a number above 0");
  EXPECT_EQ(refusal(*value, "nan"), "is nan, but must be a number above 0");
  EXPECT_EQ(refusal(*value, "inf"), "is inf, but must be a number above 0");
  EXPECT_EQ(refusal(*value, "1x"), "is '1x', but must be a number");
  EXPECT_EQ(kShare.text(), "0 to 1");
  EXPECT_EQ(kZeroOrMore.text(), "0 or more");
  EXPECT_EQ(kBelowOne.text(), "0 or more and below 1");
  EXPECT_EQ(kAnyNumber.text(), "a number");
  EXPECT_EQ((NumberRange{.least = 0, .most = 16, .above = true}.text()), "above 0 and at most 16");
  EXPECT_TRUE(kBelowOne.contains(0.0));
  EXPECT_FALSE(kBelowOne.contains(1.0));
  EXPECT_TRUE(kShare.contains(1.0));
  std::optional<double> open;
  EXPECT_TRUE(number(open)->get().is_null());
  number(open)->set("0.25");
  EXPECT_EQ(open, 0.25);
}

TEST(OptionValues, Flags) {
  bool on = false;
  flag(on)->set(true);
  EXPECT_TRUE(on);
  bool shuffle = true;
  const auto off = no_flag(shuffle);
  EXPECT_EQ(off->get(), false);
  off->set(true);
  EXPECT_FALSE(shuffle);
  EXPECT_EQ(off->get(), true);
  EXPECT_EQ(off->identity(), Json(false)) << "its identity is the field";
  EXPECT_EQ(accepted()->identity(), std::nullopt);
  int state = 1;
  const auto two = switch_to(state, 2);
  EXPECT_EQ(two->get(), false);
  two->set(false);
  EXPECT_EQ(state, 1);
  two->set(true);
  EXPECT_EQ(state, 2);
  EXPECT_EQ(refusal(*two, 1), "is 1, but must be true or false");
}

TEST(OptionValues, Bytes) {
  std::int64_t memory = 0;
  const auto value = bytes(memory);
  EXPECT_TRUE(value->get().is_null());
  EXPECT_EQ(value->identity(), Json(0));
  value->set("6GiB");
  EXPECT_EQ(memory, std::int64_t{6} << 30);
  value->set(1000);
  EXPECT_EQ(memory, 1000);
  EXPECT_NE(refusal(*value, "lots").find("is 'lots', but must be a number and a unit"), std::string::npos);
  EXPECT_NE(refusal(*value, -1).find("is '-1'"), std::string::npos);
}

enum class Pace : std::uint8_t { kSlow, kFast };
constexpr EnumName<Pace> kPaceNames[] = {{Pace::kFast, "fast"}, {Pace::kSlow, "slow"}, {Pace::kSlow, "lazy"}};

TEST(OptionValues, Names) {
  Pace pace = Pace::kFast;
  const auto value = name(pace, kPaceNames);
  EXPECT_EQ(value->type(), OptionType::kName);
  EXPECT_EQ(value->names(), (std::vector<std::string>{"fast", "slow"}));
  value->set("lazy");
  EXPECT_EQ(pace, Pace::kSlow);
  EXPECT_EQ(value->get(), "slow") << "an old name is read and never written";
  EXPECT_EQ(refusal(*value, "quick"), "is 'quick', but must be fast or slow");
  EXPECT_EQ(value->identity_today(0), "slow") << "an older version wrote numbers";
  EXPECT_EQ(value->identity_today(1), "fast");
  EXPECT_EQ(value->identity_today("lazy"), "slow");
  EXPECT_EQ(value->identity_today("fast"), "fast");
  EXPECT_EQ(value->identity_today(7), 7) << "what is unknown stays, and differs";
  EXPECT_EQ(value->identity_today("quick"), "quick");
}

TEST(OptionValues, WhatMayBeLeftOpen) {
  std::optional<std::int64_t> top_k;
  const auto number = integer(top_k, 0);
  EXPECT_TRUE(number->get().is_null());
  EXPECT_EQ(refusal(*number, -1), "is -1, but must be 0 or more");
  EXPECT_EQ(top_k, std::nullopt);
  number->set("40");
  EXPECT_EQ(top_k, 40);
  EXPECT_EQ(number->get(), 40);
  std::optional<Pace> pace;
  const auto word = name(pace, kPaceNames);
  EXPECT_TRUE(word->get().is_null());
  word->set("fast");
  EXPECT_EQ(pace, Pace::kFast);
  EXPECT_EQ(refusal(*word, "quick"), "is 'quick', but must be fast or slow");
  EXPECT_EQ(pace, Pace::kFast) << "what is refused changes nothing";
  EXPECT_EQ(word->identity_today(1), "fast");
}

TEST(OptionValues, ListsAndWords) {
  std::vector<std::string> globs = {"a"};
  const auto value = texts(globs, true);
  EXPECT_TRUE(value->list());
  EXPECT_TRUE(value->commas());
  value->set(Json::array({"b", "c"}));
  EXPECT_EQ(globs, (std::vector<std::string>{"b", "c"}));
  value->set("one");
  EXPECT_EQ(globs, std::vector<std::string>{"one"});
  EXPECT_EQ(refusal(*value, Json::array({1})), "is 1, but must be a text");
  std::vector<std::string> whole;
  const auto some = words(whole, {"norms", "head"});
  some->set(Json::array({"head"}));
  EXPECT_EQ(whole, std::vector<std::string>{"head"});
  EXPECT_EQ(refusal(*some, Json::array({"head", "tail"})), "is 'tail', but must be norms or head");
  EXPECT_EQ(whole, std::vector<std::string>{"head"});
  std::string format;
  const auto one = word(format, {"hf", "peft"});
  EXPECT_TRUE(one->get().is_null());
  one->set("peft");
  EXPECT_EQ(one->get(), "peft");
}

TEST(OptionValues, PathsAndTheirIdentity) {
  std::filesystem::path model;
  EXPECT_TRUE(path(model)->get().is_null());
  path(model)->set("dir/model");
  EXPECT_EQ(model, "dir/model");
  std::vector<std::filesystem::path> data;
  paths(data)->set(Json::array({"a.txt", "b.txt"}));
  EXPECT_EQ(data.size(), 2U);
  std::filesystem::path stats;
  EXPECT_EQ(contents(stats)->identity(), Json(nullptr));
  stats = "no/such/file";
  EXPECT_THROW(contents(stats)->identity(), Error);
}

TEST(OptionValues, ParsedTextsSayWhatIsWrong) {
  int sum = 0;
  const auto value = parsed([&] { return std::to_string(sum); },
                            [&](const std::string& text) {
                              check_option(text == "1+1", "sum", "{}: cannot be added", text);
                              sum = 2;
                            });
  value->set("1+1");
  EXPECT_EQ(value->get(), "2");
  EXPECT_EQ(refusal(*value, "1-1"), "1-1: cannot be added");
  const auto other =
      parsed([] { return ""; },
             [](const std::string& text) { fail(ErrorCode::kInvalidArgument, "'{}' has 2 parts", text); });
  EXPECT_EQ(refusal(*other, "3,9"), "is wrong: '3,9' has 2 parts");
}

}  // namespace
}  // namespace lq
