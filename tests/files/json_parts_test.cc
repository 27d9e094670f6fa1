#include "files/json_parts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(JsonParts, NumbersAndNamesThereAndBack) {
  EXPECT_EQ(parts_to_json("3,8,fp32,64,256").dump(), R"([3,8,"fp32",64,256])");
  EXPECT_EQ(parts_to_json("4").dump(), "[4]");
  for (const char* text : {"3,8,fp32,64,256", "4", "a", "04,x", "-1,9223372036854775808", "1e3"})
    EXPECT_EQ(parts_from_json(parts_to_json(text), "x"), text);
  EXPECT_EQ(parts_from_json(nlohmann::json::parse("[18446744073709551615]"), "x"), "18446744073709551615");
}

TEST(JsonParts, AnythingElseIsACorruptFile) {
  for (const char* text : {"{}", "[]", "null", "3", "\"a\"", "[3.5]", "[[3]]", "[null]", "[\"\"]",
                           "[\"a,b\"]", "[\"a b\"]", "[true]"}) {
    try {
      parts_from_json(nlohmann::json::parse(text), "t.json: configs[0]");
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("t.json: configs[0]: ", 0), 0U) << e.what();
    }
  }
}

}  // namespace
}  // namespace lq
