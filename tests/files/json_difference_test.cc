#include "files/json_difference.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

using Json = nlohmann::json;

TEST(JsonDifference, NamesAtMostFour) {
  EXPECT_EQ(json_differences({{"a", 1}}, {{"a", 1}}), "");
  EXPECT_EQ(json_differences({{"a", 1}, {"b", {{"c", 2}}}}, {{"a", 1}, {"b", {{"c", 3}}}}),
            "b/c was 2, now 3");
  EXPECT_EQ(json_differences({{"a", 1}}, {{"b", 2}}), "a was 1, now not given; b was not given, now 2");
  const Json list = Json::array({"q_proj"}), none = Json::array();
  EXPECT_EQ(json_differences({{"a", none}}, {{"a", list}}), R"(a was [], now ["q_proj"])");
  EXPECT_EQ(json_differences({{"a", Json::array({1, 2})}}, {{"a", Json::array({1, 3})}}), "a/1 was 2, now 3");
  EXPECT_EQ(json_differences(Json::object(), {{"a", {{"b", 1}}}}), "a/b was not given, now 1");
  Json before, now;
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    before[key] = 1;
    now[key] = 2;
  }
  const std::string text = json_differences(before, now);
  EXPECT_TRUE(text.ends_with("d was 1, now 2; ...")) << text;
}

}  // namespace
}  // namespace lq
