#include "data/chat_message.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

ChatDataMessage read_message(const std::string& text, DataReport* report = nullptr) {
  DataReport mine;
  return read_chat_message(Json::parse(text), "f:1: messages[0]", report != nullptr ? *report : mine, "f:1");
}

TEST(ChatMessage, TheWholeMappingInItsOrder) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"content":"c","role":"user"})", R"({"content":"c","role":"user"})"},
      {R"({"role":"assistant","tool_calls":[{"z":1,"a":2}],"content":null,"name":"n"})",
       R"({"role":"assistant","tool_calls":[{"z":1,"a":2}],"content":null,"name":"n"})"},
      {R"({"role":"tool","tool_call_id":"c1","content":"r"})",
       R"({"role":"tool","tool_call_id":"c1","content":"r"})"},
      {R"({"role":"assistant","content":"c","reasoning_content":"r","weight":1})",
       R"({"role":"assistant","content":"c","reasoning_content":"r"})"},
      {R"({"value":"v","from":"human","id":3})", R"({"content":"v","role":"user","id":3})"},
      {R"({"from":"gpt","value":"v"})", R"({"role":"assistant","content":"v"})"},
      {R"({"from":"tool","value":"v"})", R"({"role":"tool","content":"v"})"},
      {R"({"role":"gpt","value":"v"})", R"({"role":"assistant","content":"v"})"},
      {R"({"role":"developer","content":"v"})", R"({"role":"developer","content":"v"})"},
      {R"({"from":"function_call","value":"[{\"name\":\"w\",\"arguments\":{}}]"})",
       R"({"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"w","arguments":{}}}]})"},
  };
  for (const auto& [given, expected] : cases)
    EXPECT_EQ(read_message(given).mapping.dump(), expected) << given;
}

TEST(ChatMessage, FlagsSayWhatIsTrained) {
  const std::pair<const char*, bool> cases[] = {
      {"", true},
      {R"(,"weight":1)", true},
      {R"(,"weight":0)", false},
      {R"(,"weight":false)", false},
      {R"(,"train":true,"loss":false)", false},
      {R"(,"training":false)", false},
      {R"(,"train":null)", true},
  };
  for (const auto& [flags, trained] : cases) {
    DataReport report;
    EXPECT_EQ(
        read_message(R"({"role":"assistant","content":"c")" + std::string(flags) + "}", &report).trained,
        trained)
        << flags;
    EXPECT_EQ(report.total(Finding::kTurnNotTrained), trained ? 0 : 1) << flags;
  }
  DataReport report;
  read_message(R"({"role":"user","content":"c","weight":1})", &report);
  read_message(R"({"role":"user","content":"c","weight":0})", &report);
  EXPECT_EQ(report.total(Finding::kFlagNoEffect), 1);
  EXPECT_EQ(report.total(Finding::kTurnNotTrained), 0) << "a user's turn is not trained anyway";
}

TEST(ChatMessage, WhatIsNoMessageIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("text")", "should be an object with 'role' and 'content'"},
      {R"({"content":"c"})", "should be an object with 'role' and 'content'"},
      {R"({"role":1,"content":"c"})", "should be an object with 'role'"},
      {R"({"role":"user"})", "'content' should be a string, a list of parts, or null"},
      {R"({"role":"user","content":5})", "'content' should be a string"},
      {R"({"from":"gpt"})", "'value' should be a string"},
      {R"({"from":"ufo","value":"v"})", "unknown speaker 'ufo' (human, gpt, system, tool)"},
      {R"({"role":"assistant","content":"c","weight":0.5})", "'weight' should be 0 or 1"},
      {R"({"role":"assistant","content":"c","train":"no"})", "'train' should be 0 or 1"},
      {R"({"role":"assistant","content":"c","train_detail":[]})", "'train_detail'"},
      {R"j({"from":"function_call","value":"w()"})j", "the call: not valid JSON"},
      {R"({"from":"function_call","value":"[1]"})", "a call should be an object with a 'name'"},
  };
  for (const auto& [text, part] : cases) {
    expect_error(ErrorCode::kCorruptFile, {"f:1: messages[0]", part}, [&] { read_message(text); });
  }
}

TEST(ChatMessage, PartsOfTextAreJoined) {
  const auto joined = [](const std::string& content) {
    return joined_content(Json::parse(R"({"role":"user","content":)" + content + "}"), "f:1");
  };
  EXPECT_EQ(joined(R"([{"type":"text","text":"a"},{"type":"input_text","text":"b"},{"text":"c"},"d"])"),
            "abcd");
  EXPECT_EQ(joined("null"), "");
  EXPECT_EQ(joined("\"s\""), "s");
  EXPECT_EQ(joined("[]"), "");
  expect_error(ErrorCode::kCorruptFile, {"f:1: a part of type 'image_url' has no place"},
               [&] { joined(R"([{"type":"image_url","image_url":{"url":"x"}}])"); });
}

TEST(ChatMessage, EmptyOnes) {
  const std::pair<const char*, bool> cases[] = {
      {R"({"role":"assistant","content":""})", true},
      {R"({"role":"assistant","content":" \n"})", true},
      {R"({"role":"assistant","content":null,"name":"n","id":"x"})", true},
      {R"({"role":"assistant","content":[]})", true},
      {R"({"role":"assistant","content":[{"type":"text","text":" "}]})", true},
      {R"({"role":"assistant","content":"","tool_calls":[]})", true},
      {R"({"role":"assistant","content":"x"})", false},
      {R"({"role":"assistant","content":[{"type":"image"}]})", false},
      {R"({"role":"assistant","content":"","tool_calls":[{}]})", false},
      {R"({"role":"assistant","content":"","reasoning_content":"r"})", false},
  };
  for (const auto& [text, empty] : cases) EXPECT_EQ(is_empty_message(Json::parse(text)), empty) << text;
}

}  // namespace
}  // namespace lq
