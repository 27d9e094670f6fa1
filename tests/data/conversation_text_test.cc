#include "data/conversation_text.h"

#include <fstream>

#include "data/example.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

Json goldens() {
  std::ifstream in(std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "conversations.json");
  return Json::parse(in);
}

// tests/goldens/make_conversation_goldens.py: the texts are transformers'.
TEST(ConversationText, EveryDialectAsTransformersWritesIt) {
  const Json all = goldens();
  ASSERT_GE(all["cases"].size(), 50u);
  for (const Json& golden : all["cases"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const std::string source = all["templates"][golden["template"].get<std::string>()];
    const ChatTemplate chat = ChatTemplate::from_jinja(source, "<s>", "</s>", "t");
    DataReport report;
    const Example example = ExampleMaker({.chat = &chat}).make(golden["record"], "f:1", report);
    EXPECT_TRUE(example.has_marks);
    EXPECT_EQ(example.text, golden["text"].get<std::string>());
    Json trained = Json::array();
    for (const TextSpan& span : example.trained) {
      trained.push_back(example.text.substr(span.begin, span.end - span.begin));
    }
    EXPECT_EQ(trained.dump(), golden["trained"].dump());
    Json findings = Json::array();
    for (const Json& found : report.to_json()) findings.push_back(found["what"]);
    EXPECT_EQ(findings.dump(), golden["findings"].dump());
  }
}

ConversationText written(const std::string& source, const std::string& messages, DataReport& report,
                         const Json& variables = Json::object()) {
  const ChatTemplate chat = ChatTemplate::from_jinja(source, "<s>", "</s>", "t");
  Conversation conversation;
  conversation.messages = Json::parse(messages);
  conversation.variables = variables;
  for (const Json& m : conversation.messages)
    conversation.trained.push_back(m["role"] == "assistant" ? 1 : 0);
  return ConversationWriter(chat).write(std::move(conversation), "f:1", report);
}

constexpr const char* kPlain =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<e>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}";

TEST(ConversationText, RefusalsAreOfTheRecord) {
  DataReport report;
  // Codes that --skip-bad passes over, whatever the template's reason.
  expect_error(ErrorCode::kCorruptFile, {"f:1: ", "no such role"}, [&] {
    written(
        "{% for m in messages %}{% if m.role == 'critic' %}{{ raise_exception('no such role') }}{% endif %}"
        "[{{ m.role }}]{{ m.content }}<e>{% endfor %}",
        R"([{"role":"critic","content":"c"},{"role":"assistant","content":"a"}])", report);
  });
  expect_error(ErrorCode::kCorruptFile, {"f:1: message 0: a part of type 'image_url'"}, [&] {
    written(kPlain,
            R"([{"role":"user","content":[{"type":"image_url"}]},{"role":"assistant","content":"a"}])",
            report);
  });
  expect_error(ErrorCode::kCorruptFile, {"'chat_template_kwargs' should not set 'messages'"}, [&] {
    written(kPlain, R"([{"role":"assistant","content":"a"}])", report, {{"messages", 1}});
  });
}

TEST(ConversationText, KeysCountOncePerMessage) {
  DataReport report;
  written(kPlain,
          R"([{"role":"user","content":"q","id":1},{"role":"assistant","content":"a","id":2,"name":null}])",
          report);
  EXPECT_EQ(report.total(Finding::kKeyNotWritten), 2);
  EXPECT_NE(report.lines().at(0).find("key 'id' of 2 message(s)"), std::string::npos) << report.lines()[0];
}

}  // namespace
}  // namespace lq
