#include "data/conversation.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;
using Mask = std::vector<std::uint8_t>;

const std::string kPlace = "f:1";

template <typename Make>
Conversation made(const std::string& text, DataReport& report, const Make& make) {
  const Json record = Json::parse(text);
  const std::map<std::string, std::string> names;
  return make(RecordFields(record, names, kPlace), report);
}
Conversation messages(const std::string& text, DataReport& report) {
  return made(text, report, [](const RecordFields& f, DataReport& r) {
    return conversation_of_messages(f, "messages", Trained::kAnswers, r);
  });
}
Conversation completion(const std::string& text, DataReport& report) {
  return made(text, report, [](const RecordFields& f, DataReport& r) {
    return conversation_of_completion(f, Trained::kAnswers, r);
  });
}
Conversation instruction(const std::string& text, DataReport& report) {
  return made(text, report, [](const RecordFields& f, DataReport& r) {
    return conversation_of_instruction(f, "|", Trained::kAnswers, r);
  });
}

TEST(Conversation, OfMessagesWithAllThatStandsBesideThem) {
  DataReport report;
  const Conversation c = messages(
      R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"system":"S",
          "tools":"[{\"b\":1,\"a\":2}]","documents":{"title":"t"},"chat_template_kwargs":{"x":[1]}})",
      report);
  EXPECT_EQ(
      c.messages.dump(),
      R"([{"role":"system","content":"S"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}])");
  EXPECT_EQ(c.trained, (Mask{0, 0, 1}));
  EXPECT_EQ(c.tools.dump(), R"([{"b":1,"a":2}])");
  EXPECT_EQ(c.documents.dump(), R"([{"title":"t"}])");
  EXPECT_EQ(c.variables.dump(), R"({"x":[1]})");
  EXPECT_TRUE(report.empty());
}

TEST(Conversation, OfPromptAndCompletion) {
  DataReport report;
  const std::string qa = R"({"role":"user","content":"q"},{"role":"assistant","content":"a"})";
  EXPECT_EQ(
      completion(R"({"prompt":[)" + qa + R"(],"completion":[{"role":"assistant","content":"b"}]})", report)
          .trained,
      (Mask{0, 0, 1}));
  expect_error(ErrorCode::kCorruptFile, {"f:1: a conversation of 3 messages without an answer"}, [&] {
    completion(R"({"prompt":[)" + qa + R"(],"completion":[{"role":"user","content":"b"}]})", report);
  });
}

TEST(Conversation, OfInstructions) {
  DataReport report;
  const Conversation c = instruction(
      R"({"instruction":"i","input":"n","output":"o","system":"S","history":[["h","r"]]})", report);
  EXPECT_EQ(
      c.messages.dump(),
      R"([{"role":"system","content":"S"},{"role":"user","content":"h"},{"role":"assistant","content":"r"},)"
      R"({"role":"user","content":"i|n"},{"role":"assistant","content":"o"}])");
  EXPECT_EQ(c.trained, (Mask{0, 0, 1, 0, 1}));
  EXPECT_EQ(instruction(R"({"instruction":"i","output":""})", report).trained, (Mask{0, 0}));
  EXPECT_EQ(report.total(Finding::kEmptyTurn), 1);
  EXPECT_EQ(instruction(R"({"instruction":"i","output":"o","history":"[[\"h\",\"r\"]]"})", report).trained,
            (Mask{0, 1, 0, 1}));
}

TEST(Conversation, RefusalsNameTheField) {
  DataReport report;
  const std::string qa = R"("messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}])";
  const std::pair<std::string, const char*> cases[] = {
      {R"({"messages":"x"})", "'messages': not valid JSON"},
      {R"({"messages":"5"})", "'messages' should be a list, is string"},
      {R"({"messages":{"role":"user"}})", "'messages' should be a list, is object"},
      {R"({"messages":[]})", "a conversation of 0 messages without an answer"},
      {R"({"messages":[{"role":"user","content":"q"}]})", "1 messages without an answer"},
      {"{" + qa + R"(,"tools":["w"]})", "'tools' should be a list of objects"},
      {"{" + qa + R"(,"tools":5})", "'tools' should be a list of objects"},
      {"{" + qa + R"(,"tools":"w("})", "'tools': not valid JSON"},
      {"{" + qa + R"(,"chat_template_kwargs":[1]})", "'chat_template_kwargs' should be an object"},
      {"{" + qa + R"(,"system":5})", "'system' should be a string"},
  };
  for (const auto& [text, part] : cases) {
    expect_error(ErrorCode::kCorruptFile, {"f:1", part}, [&] { messages(text, report); });
  }
  expect_error(ErrorCode::kCorruptFile, {"f:1: history[0] should be a pair of strings"},
               [&] { instruction(R"({"instruction":"i","output":"o","history":[["h"]]})", report); });
}

}  // namespace
}  // namespace lq
