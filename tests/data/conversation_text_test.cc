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

TEST(ConversationText, WhatIsNotWrittenIsCounted) {
  // Mistral's way: the system message counts only where the user has the last word; others' roles are passed
  // over.
  const std::string source =
      "{% for m in messages %}{% if m.role == 'user' %}{% if loop.last and messages[0].role == 'system' %}"
      "{{ messages[0].content }}{% endif %}[Q]{{ m.content | trim }}[/Q]{% elif m.role == 'assistant' %}"
      "{{ m.call if m.call else m.content }}</s>{% endif %}{% endfor %}";
  DataReport report;
  written(source,
          R"([{"role":"system","content":"be brief"},{"role":"user","content":" q \n"},
              {"role":"assistant","content":"I call","call":"f"},{"role":"tool","content":"7"},
              {"role":"assistant","content":"a"}])",
          report);
  EXPECT_EQ(report.to_json().dump(),
            R"([{"what":"content_not_written","detail":"system","count":1,"first":"f:1"},)"
            R"({"what":"content_not_written","detail":"assistant","count":1,"first":"f:1"},)"
            R"({"what":"content_not_written","detail":"tool","count":1,"first":"f:1"}])");
  EXPECT_EQ(report.lines()[0],
            "content of 1 message(s) of role 'system' is not written, or not whole, by the chat template "
            "(first: f:1)");
  // What is written in another form is written.
  DataReport other;
  written(
      "{% for m in messages %}[{{ m.role }}]{{ m.content | tojson }}<e>{% endfor %}"
      "{% if add_generation_prompt %}[assistant]{% endif %}",
      R"([{"role":"user","content":"\"q\""},{"role":"assistant","content":"a"}])", other);
  EXPECT_TRUE(other.empty()) << other.to_json().dump();
}

constexpr const char* kParts =
    "{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<image>{% elif p.type == 'text' %}{{ p.text }}{% "
    "endif %}"
    "{% endfor %}{% endif %}<e>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

TEST(ConversationText, PartsAreTextOrRefused) {
  DataReport report;
  const auto with = [&](const std::string& parts) {
    return written(kParts,
                   R"([{"role":"user","content":[)" + parts + R"(]},{"role":"assistant","content":"a"}])",
                   report)
        .text;
  };
  EXPECT_EQ(with(R"({"type":"text","text":"q"})"), "[user]q<e>[assistant]a<e>");
  EXPECT_TRUE(report.empty());
  EXPECT_EQ(with(R"("q","r")"), "[user]qr<e>[assistant]a<e>");
  EXPECT_EQ(with(R"({"text":"q"})"), "[user]q<e>[assistant]a<e>");
  EXPECT_EQ(report.total(Finding::kTextAsPart), 2);
  EXPECT_EQ(report.total(Finding::kContentNotWritten), 0);
  EXPECT_EQ(with(R"({"type":"text","text":"q"},{"type":"tool_use","name":"f"})"),
            "[user]q<e>[assistant]a<e>");
  EXPECT_EQ(report.total(Finding::kContentNotWritten), 1);
  for (const char* part :
       {R"({"type":"image","url":"x.png"})", R"({"type":"image_url","image_url":{"url":"x"}})",
        R"({"type":"input_audio","input_audio":{}})", R"({"type":"video"})"}) {
    expect_error(ErrorCode::kCorruptFile, {"f:1: message 0: a part of type '", "only text is trained"},
                 [&] { with(part); });
  }
  expect_error(ErrorCode::kCorruptFile, {"f:1: message 0: a part should be a text"}, [&] { with("3"); });
}

TEST(ConversationText, WhereAllIsTrainedNoTemplateIsTooOdd) {
  const ChatTemplate chat = ChatTemplate::from_jinja(
      "{% for i in range(messages | length) %}{{ messages | length }}{{ messages[i].content }}{% endfor %}",
      "<s>", "</s>", "t");
  const auto example = [&](const std::string& record, Trained what) {
    DataReport report;
    return ExampleMaker({.chat = &chat, .what = what}).make(Json::parse(record), "f:1", report);
  };
  const std::string qa = R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})";
  expect_error(ErrorCode::kCorruptFile, {"cannot tell which part"}, [&] { example(qa, Trained::kAnswers); });
  EXPECT_EQ(example(qa, Trained::kAll).text, "2q2a");
  const std::string q = R"({"messages":[{"role":"user","content":"q"}]})";
  expect_error(ErrorCode::kCorruptFile, {"without an answer ('assistant' says them; there is user)"},
               [&] { example(q, Trained::kAnswers); });
  EXPECT_EQ(example(q, Trained::kAll).text, "1q");
  expect_error(ErrorCode::kCorruptFile, {"a conversation of 0 messages without an answer"},
               [&] { example(R"({"messages":[]})", Trained::kAll); });
  // A flag takes an answer out: its place has to be known.
  expect_error(ErrorCode::kCorruptFile, {"cannot tell which part"}, [&] {
    example(R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0}]})",
            Trained::kAll);
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
