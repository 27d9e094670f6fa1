#include "templates/chat_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json goldens() {
  std::ifstream in(fs::path(lq::test::source_dir()) / "tests" / "goldens" / "chat_templates.json");
  return Json::parse(in);
}

std::vector<ChatMessage> messages_of(const Json& talk) {
  std::vector<ChatMessage> out;
  for (const Json& m : talk["messages"]) out.push_back({m["role"], m["content"]});
  return out;
}

void check(const ChatTemplate& chat, const Json& golden, bool built_in = false) {
  for (const Json& talk : golden["talks"]) {
    const auto messages = messages_of(talk);
    SCOPED_TRACE(talk["messages"].dump());
    // A built-in may refuse a role that a template drops in silence or takes for another.
    const bool odd_role = std::any_of(messages.begin(), messages.end(), [](const auto& m) {
      return m.role != "system" && m.role != "user" && m.role != "assistant";
    });
    const bool refused = talk["text"].is_object();
    try {
      const std::string text = chat.render(messages, talk["prompt"]);
      EXPECT_FALSE(refused) << text;
      if (!refused) {
        EXPECT_EQ(text, talk["text"].get<std::string>());
      }
    } catch (const Error& e) {
      EXPECT_TRUE(refused || (built_in && odd_role && e.code() == ErrorCode::kInvalidArgument)) << e.what();
    }
  }
}

TEST(ChatTemplate, JinjaEqualsTransformers) {
  const Json all = goldens();
  for (const Json& golden : all["cases"]) {
    const std::string name = golden["name"];
    const std::string source = golden["template"];
    SCOPED_TRACE(source);
    const ChatTemplate chat = ChatTemplate::from_jinja(source, "<s>", "</s>", "test");
    EXPECT_EQ(chat.name(), name);
    check(chat, golden);
    if (name != "custom") check(ChatTemplate::by_name(name, "<s>", "</s>"), golden, true);
  }
}

TEST(ChatTemplate, BlanksAroundTagsFollowJinja) {
  // trim_blocks takes the line end behind a block, lstrip_blocks the blanks before the next one; a sign
  // overrides.
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{# a #}\n  {% if true %}x{% endif %}", "x"},
      {"{% if true %}\n  {% if true %}x{% endif %}\n  {% endif %}y", "xy"},
      {"{% if true +%}\n  x{% endif %}", "\n  x"},
      {"{% if true %}\n  {%+ if true %}x{% endif %}{% endif %}", "  x"},
      {"{# a +#}\n  y", "\n  y"},
      {"{{ 1 -}}\n  {% if true %}x{% endif %}", "1x"},
      {"{{ 1 }}  {% if true %}x{% endif %}", "1  x"},
  };
  for (const auto& [source, expected] : cases) {
    SCOPED_TRACE(source);
    const std::vector<ChatMessage> talk = {{"user", "q"}};
    EXPECT_EQ(ChatTemplate::from_jinja(source, "", "", "t").render(talk, false), expected);
  }
}

TEST(ChatTemplate, TemplatesOfSharedModels) {
  const fs::path shared = fs::path(lq::test::source_dir()) / ".." / "shared" / "data" / "tokenizers";
  if (!fs::exists(shared)) GTEST_SKIP() << shared << " is absent: real templates are not checked";
  const Json all = goldens();
  for (const Json& golden : all["shared"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    // The goldens were rendered with <s> and </s>, whatever the model's own are.
    std::ifstream in(shared / golden["name"].get<std::string>() / "tokenizer_config.json");
    const std::string source = Json::parse(in)["chat_template"];
    check(ChatTemplate::from_jinja(source, "<s>", "</s>", "test"), golden);
  }
  EXPECT_EQ(ChatTemplate::of_model(shared / "tinyllama").name(), "zephyr");
  EXPECT_EQ(ChatTemplate::of_model(shared / "tinyllama").end_of_turn(), "</s>");
  EXPECT_EQ(ChatTemplate::of_model(shared / "qwen2").end_of_turn(), "<|im_end|>");
  EXPECT_THROW(ChatTemplate::of_model(shared / "gpt2"), Error);
}

TEST(ChatTemplate, SegmentsMarkAnswersAndTheirEnd) {
  const std::vector<ChatMessage> talk = {
      {"user", "one?"}, {"assistant", "two."}, {"user", "three?"}, {"assistant", " four "}};
  struct Expected {
    std::string name, first, second, end;
  };
  const std::vector<Expected> expected = {{"llama-2", "two. </s>", "four </s>", "</s>"},
                                          {"llama-3", "two.<|eot_id|>", "four<|eot_id|>", "<|eot_id|>"},
                                          {"chatml", "two.<|im_end|>", " four <|im_end|>", "<|im_end|>"},
                                          {"zephyr", "two.</s>", " four </s>", "</s>"},
                                          {"mistral", "two.</s>", " four </s>", "</s>"},
                                          {"alpaca", "two.</s>", " four </s>", "</s>"},
                                          {"vicuna", "two.</s>", " four </s>", "</s>"}};
  ASSERT_EQ(expected.size(), ChatTemplate::names().size());
  for (const Expected& e : expected) {
    SCOPED_TRACE(e.name);
    const ChatTemplate chat = ChatTemplate::by_name(e.name, "<s>", "</s>");
    EXPECT_EQ(chat.end_of_turn(), e.end);
    std::vector<std::string> answers;
    std::string whole;
    for (const TextSegment& s : chat.segments(talk)) {
      whole += s.text;
      if (s.is_response) answers.push_back(s.text);
    }
    EXPECT_EQ(whole, chat.render(talk, false));
    EXPECT_EQ(answers, (std::vector<std::string>{e.first, e.second}));
    // A prompt for generation is the beginning of the conversation that contains the answer.
    const std::string prompt = chat.render(std::span(talk).first(1), true);
    EXPECT_TRUE(whole.starts_with(prompt.substr(0, prompt.find_last_not_of(' ') + 1))) << prompt;
  }
}

TEST(ChatTemplate, AlpacaWithAnInputHasItsOwnPreamble) {
  const ChatTemplate chat = ChatTemplate::by_name("alpaca", "", "");
  const std::vector<ChatMessage> talk = {{"user", "Sum.\n\n### Input:\n1 2"}};
  EXPECT_NE(chat.render(talk, true).find("paired with an input"), std::string::npos);
  EXPECT_TRUE(chat.render(talk, true).ends_with("1 2\n\n### Response:\n"));
}

std::string error_of(const std::string& source) {
  try {
    const std::vector<ChatMessage> talk = {{"user", "q"}};
    return ChatTemplate::from_jinja(source, "<s>", "</s>", "file").render(talk, false);
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(ChatTemplate, UnsupportedConstructsAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\nb\n{% include 'x' %}", "file: chat_template: line 3: the tag 'include'"},
      {"{{ messages | shuffle }}", "the filter 'shuffle'"},
      {"{{ messages is sorted }}", "the test 'is sorted'"},
      {"{{ messages[0].content.encode() }}", "the method 'encode' of text"},
      {"{% for m in messages %}x", "expected 'endfor'"},
      {"{% endif %}", "'endif' without its beginning"},
      {"{{ 'open }}", "a string is never closed"},
      {"{{ 1 + }}", "expected a value, found '}}'"},
      {"{# open", "a comment is never closed"},
      {"{{ a ? b }}", "unexpected character '?'"},
      {"{{ 1 / 0 }}", "division by zero"},
      {"{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "runs away"},
      {"{{ " + std::string(500, '(') + "1" + std::string(500, ')') + " }}", "nested more than"},
  };
  for (const auto& [source, part] : cases) {
    EXPECT_NE(error_of(source).find(part), std::string::npos) << source.substr(0, 80) << "\n"
                                                              << error_of(source);
  }
  try {
    ChatTemplate::by_name("gpt-5", "", "");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("llama-2, llama-3, chatml, zephyr, mistral, alpaca, vicuna"),
              std::string::npos);
  }
}

TEST(ChatTemplate, MessagesAreSeenAsTransformersShowsThem) {
  const ChatJson messages = ChatJson::parse(
      R"([{"role": "user", "content": null, "b": 1, "a": 2}, {"role": "assistant", "reasoning": "r", "content": "c"}])");
  const auto render = [&](const std::string& source, const ChatOptions& options = {}) {
    return ChatTemplate::from_jinja(source, "<s>", "</s>", "t").render(messages, options);
  };
  EXPECT_EQ(render("{{ messages[0] | tojson }}"), R"({"role": "user", "b": 1, "a": 2})");
  EXPECT_EQ(
      render("{{ messages[1] | tojson }}"),
      R"({"thinking": "r", "role": "assistant", "reasoning": "r", "content": "c", "reasoning_content": "r"})");
  EXPECT_EQ(render("{{ tools is none }}{{ documents is none }}{{ bos_token }}{{ pad_token is defined }}"),
            "TrueTrue<s>False");
  ChatOptions options;
  options.tools = ChatJson::parse(R"([{"z": 1, "a": {"b": []}}])");
  options.variables = {{"bos_token", "B"}, {"enable_thinking", false}};
  EXPECT_EQ(render("{{ tools | tojson }}{{ bos_token }}{{ enable_thinking }}", options),
            R"([{"z": 1, "a": {"b": []}}]BFalse)");
  options.variables = {{"messages", 1}};
  EXPECT_THROW(render("x", options), Error);
  EXPECT_THROW(ChatTemplate::by_name("chatml", "", "").render(ChatJson::parse("[1]"), {}), Error);
}

TEST(ChatTemplate, ToolsHaveATemplateOfTheirOwn) {
  const ChatTemplate chat =
      ChatTemplate::from_sources("plain", "with {{ tools | length }}", ChatJson::object(), "t");
  ChatOptions options;
  EXPECT_EQ(chat.render(ChatJson::array(), options), "plain");
  options.tools = ChatJson::array({1, 2});
  EXPECT_EQ(chat.render(ChatJson::array(), options), "with 2");
}

TEST(ChatTemplate, AFixedClockCanBeGiven) {
  ChatOptions options;
  options.now = std::tm{};
  options.now->tm_year = 126;
  options.now->tm_mday = 9;
  const ChatTemplate chat = ChatTemplate::from_jinja("{{ strftime_now('%d %b %Y') }}", "", "", "t");
  EXPECT_EQ(chat.render(ChatJson::array(), options), "09 Jan 2026");
}

}  // namespace
}  // namespace lq
