#include "base/enum_names.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

enum class Colour { kRed, kGreen, kBlue };

constexpr EnumName<Colour> kColourNames[] = {
    {Colour::kBlue, "blue"}, {Colour::kRed, "red"}, {Colour::kRed, "crimson"}, {Colour::kGreen, "green"}};

TEST(EnumNames, NamesAndOldNames) {
  EXPECT_EQ(enum_name(kColourNames, Colour::kRed), "red");
  EXPECT_EQ(enum_find(kColourNames, "red"), Colour::kRed);
  EXPECT_EQ(enum_find(kColourNames, "crimson"), Colour::kRed);
  EXPECT_EQ(enum_find(kColourNames, "rose"), std::nullopt);
  EXPECT_EQ(enum_list(kColourNames), (std::vector<std::string>{"blue", "red", "green"}));
  static_assert(enum_name(kColourNames, Colour::kGreen) == "green");
}

TEST(EnumNames, RefusesByOption) {
  EXPECT_EQ(enum_parse(kColourNames, "green", "paint"), Colour::kGreen);
  try {
    enum_parse(kColourNames, "rose", "paint");
    FAIL();
  } catch (const OptionError& e) {
    EXPECT_STREQ(e.what(), "paint is 'rose', but must be blue, red or green");
    EXPECT_EQ(e.option(), "paint");
    EXPECT_EQ(e.problem(), "is 'rose', but must be blue, red or green");
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
  }
}

TEST(EnumNames, Alternatives) {
  EXPECT_EQ(alternatives({}), "");
  EXPECT_EQ(alternatives({"a"}), "a");
  EXPECT_EQ(alternatives({"a", "b"}), "a or b");
  EXPECT_EQ(alternatives({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace lq
