#include "allocate/choice_name.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

TEST(ChoiceName, PartsAreArraysAndOthersStrings) {
  EXPECT_EQ(choice_name_to_json("3,8,fp32,64,256").dump(), R"([3,8,"fp32",64,256])");
  EXPECT_EQ(choice_name_to_json("int-row 4").dump(), R"("int-row 4")");
  for (const char* name : {"3,8,fp32,64,256", "int-row 4", "nf 3,8,fp32,64,256", "4"})
    EXPECT_EQ(choice_name_from_json(choice_name_to_json(name), "x"), name);
  EXPECT_EQ(choice_name_from_json("3,8", "x"), "3,8");
  for (const char* text : {"\"\"", "[]", "4", "{}", "null"})
    EXPECT_THROW(choice_name_from_json(nlohmann::json::parse(text), "x"), Error) << text;
}

}  // namespace
}  // namespace lq
