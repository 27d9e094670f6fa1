// Which part of a conversation is trained.
#include <gtest/gtest.h>

#include "templates/chat_template.h"
#include "templates/jinja_goldens.h"

namespace lq {
namespace {

ChatTemplate chat_of(const std::string& source) {
  return ChatTemplate::from_jinja(source, "<s>", "</s>", "t");
}

// The text with [[ ]] around what is trained.
std::string marked(const RenderedChat& chat) {
  std::string out;
  std::size_t done = 0;
  for (const Span& s : chat.trained) {
    out += chat.text.substr(done, s.begin - done) + "[[" + chat.text.substr(s.begin, s.end - s.begin) + "]]";
    done = s.end;
  }
  return out + chat.text.substr(done);
}

TEST(ChatMask, GenerationTagsTellItAsTransformersDoes) {
  for (const auto& golden : test::template_goldens("masks")) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const RenderedChat chat = chat_of(golden["template"]).render_with_mask(golden["messages"], {});
    EXPECT_EQ(chat.text, golden["text"].get<std::string>());
    std::vector<std::vector<std::size_t>> spans;
    for (const Span& s : chat.trained) {
      spans.push_back({s.begin, s.end});
      EXPECT_EQ(golden["messages"][s.message]["role"], "assistant");
    }
    EXPECT_EQ(spans, golden["spans"].get<std::vector<std::vector<std::size_t>>>());
  }
}

struct Case {
  const char* what;
  const char* source;
  const char* expected;
};

TEST(ChatMask, TheEndOfTurnIsTrainedWhateverItLooksLike) {
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a b"}, {"role": "user", "content": "r"},
          {"role": "assistant", "content": "<think>t</think>c"}])");
  const Case cases[] = {
      {"marks in brackets",
       "{% for m in messages %}<start>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
       "{% if add_generation_prompt %}<start>assistant\n{% endif %}",
       "<start>user\nq<end_of_turn>\n<start>assistant\n[[a b<end_of_turn>]]\n<start>user\nr<end_of_turn>\n"
       "<start>assistant\n[[<think>t</think>c<end_of_turn>]]\n"},
      {"a line end",
       "{% for m in messages %}{{ m.role[0] }}: {{ m.content }}\n{% endfor %}"
       "{% if add_generation_prompt %}a: {% endif %}",
       "u: q\na: [[a b\n]]u: r\na: [[<think>t</think>c\n]]"},
      {"no prompt for an answer",
       "{% for m in messages %}{% if m.role == 'user' %}[Q]{{ m.content }}[/Q]{% else %} {{ m.content }} "
       "</s>{% endif %}"
       "{% endfor %}",
       "[Q]q[/Q] [[a b </s>]][Q]r[/Q] [[<think>t</think>c </s>]]"},
      {"an end only behind the last",
       "{% for m in messages %}<{{ m.role }}>{{ m.content }}|{% endfor %}"
       "{% if add_generation_prompt %}<assistant>{% else %}</s>{% endif %}",
       "<user>q|<assistant>[[a b|]]<user>r|<assistant>[[<think>t</think>c|</s>]]"},
      {"thoughts cut from all but the last",
       "{% for m in messages %}<{{ m.role }}>{% if loop.last %}{{ m.content }}{% else %}"
       "{{ m.content.split('</think>')[-1] }}{% endif %}<end>{% endfor %}"
       "{% if add_generation_prompt %}<assistant>{% endif %}",
       "<user>q<end><assistant>[[a b<end>]]<user>r<end><assistant>[[<think>t</think>c<end>]]"},
      {"a prompt that opens a thought, which the conversation drops",
       "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}<end>{% endfor %}"
       "{% if add_generation_prompt %}<assistant><think>\n{% endif %}",
       "<user>q<end><assistant>[[a b<end>]]<user>r<end><assistant>[[c<end>]]"},
      {"a header, but no prompt for an answer",
       "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}<end>{% endfor %}",
       "<user>q<end><assistant>[[a b<end>]]<user>r<end><assistant>[[c<end>]]"},
      {"newest first", "{% for m in messages | reverse %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}",
       "<assistant>[[<think>t</think>c<end>]]"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    if (std::string(c.what) == "newest first") {
      EXPECT_THROW(chat_of(c.source).render_with_mask(talk, {}), Error);
      continue;
    }
    EXPECT_EQ(marked(chat_of(c.source).render_with_mask(talk, {})), c.expected);
  }
}

TEST(ChatMask, ASystemMessageThatMovesDoesNotMislead) {
  // Mistral's way: what comes before the last question changes with every turn.
  const ChatTemplate chat = chat_of(
      "{% for m in messages %}{% if m.role == 'user' %}{% if loop.index0 == (messages | length) - 2 "
      "%}[TOOLS]{% endif %}"
      "[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}");
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"},
          {"role": "assistant", "content": "b"}])");
  EXPECT_EQ(marked(chat.render_with_mask(talk, {})), "[INST]q[/INST][[a</s>]][TOOLS][INST]r[/INST][[b</s>]]");
}

TEST(ChatMask, CallsAndThinkingAreSaidByTheAssistant) {
  const ChatTemplate chat = chat_of(
      "{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>{{ m.reasoning_content "
      "}}</think>{% endif %}"
      "{{ m.content }}{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor "
      "%}<end>\n{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}");
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": "q"},
          {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"z": 1, "a": 2}}}]},
          {"role": "tool", "content": "7"}, {"role": "assistant", "content": "x", "reasoning_content": "t"},
          {"role": "assistant", "content": ""}])");
  const RenderedChat rendered = chat.render_with_mask(talk, {});
  EXPECT_EQ(marked(rendered),
            "<user>q<end>\n<assistant>[[<call>{\"name\": \"f\", \"arguments\": {\"z\": 1, \"a\": "
            "2}}</call><end>]]\n"
            "<tool>7<end>\n<assistant>[[<think>t</think>x<end>]]\n<assistant>[[<end>]]\n");
  ASSERT_EQ(rendered.trained.size(), 3U);
  EXPECT_EQ(rendered.trained[1].message, 3U);
  EXPECT_FALSE(rendered.trained[0].empty_turn);
  EXPECT_TRUE(rendered.trained[2].empty_turn);
}

// As templates do that mark the end of a turn apart from the words (TRL's for Gemma 4).
TEST(ChatMask, AnEndThatIsMarkedApartBelongsToItsTurn) {
  const ChatTemplate chat = chat_of(
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}"
      "{% endgeneration %}{% generation %}<end>\n{% endgeneration %}{% else %}{{ m.content }}<end>\n{% endif "
      "%}"
      "{% endfor %}");
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"},
          {"role": "assistant", "content": ""}])");
  const RenderedChat rendered = chat.render_with_mask(talk, {});
  ASSERT_EQ(rendered.trained.size(), 3U);
  EXPECT_EQ(rendered.text.substr(rendered.trained[1].begin, 6), "<end>\n");
  EXPECT_FALSE(rendered.trained[0].empty_turn);
  EXPECT_FALSE(rendered.trained[1].empty_turn) << "the model learns to stop";
  EXPECT_TRUE(rendered.trained[2].empty_turn);
}

// As Gemma 4's template in Axolotl writes the result of a call into the turn of the call.
TEST(ChatMask, AResultInsideTheTurnOfItsCallIsNotTheAssistants) {
  const std::string source =
      "{% for m in messages %}{% if m.role != 'tool' %}<{{ m.role }}>{% if m.call %}<call>{{ m.call }}"
      "{% for k in range(loop.index0 + 1, messages | length) %}{% if messages[k].role == 'tool' %}"
      "<result>{{ messages[k].content }}{% endif %}{% endfor %}{% endif %}{{ m.content }}<end>{% endif %}"
      "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "call": "f"},
          {"role": "tool", "content": "7"}, {"role": "assistant", "content": "a"}])");
  ChatJson parts = talk;
  parts[2]["content"] = ChatJson::array({{{"type", "text"}, {"text", "7"}}});
  for (const ChatJson& messages : {talk, parts}) {
    try {
      const RenderedChat chat = chat_of(source).render_with_mask(messages, {});
      ADD_FAILURE() << marked(chat);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
      EXPECT_NE(std::string(e.what()).find("message 1): the template writes what a later message says"),
                std::string::npos)
          << e.what();
    }
  }
}

TEST(ChatMask, TemplatesOfPartsHaveTheirMarksToo) {
  const ChatTemplate chat = chat_of(
      "{% for m in messages %}{% if m.role == 'user' %}[Q]{{ m.content[0]['text'] + '[/Q]' }}{% else %}"
      "{{ ' ' + m.content[0]['text'] + '</s>' }}{% endif %}{% endfor %}");
  EXPECT_EQ(chat.end_of_turn(), "</s>");
  const ChatJson talk = ChatJson::parse(
      R"([{"role": "user", "content": [{"type": "text", "text": "q"}]},
          {"role": "assistant", "content": [{"type": "text", "text": "a"}]}])");
  EXPECT_EQ(marked(chat.render_with_mask(talk, {})), "[Q]q[/Q] [[a</s>]]");
}

TEST(ChatMask, WhatCannotBeToldIsRefusedWithTheReason) {
  const ChatJson talk =
      ChatJson::parse(R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])");
  const std::pair<const char*, const char*> cases[] = {
      {"{% for i in range(messages | length) %}{{ messages | length }}{{ messages[i].content }}{% endfor %}",
       "cannot tell which part of the text is the assistant's answer (message 1)"},
      {"{% macro m(x) %}{% generation %}{{ x }}{% endgeneration %}{% endmacro %}{% for x in messages %}{{ "
       "m(x.content) }}"
       "{% endfor %}",
       "'generation' stands inside a macro"},
  };
  for (const auto& [source, part] : cases) {
    try {
      const RenderedChat chat = chat_of(source).render_with_mask(talk, {});
      ADD_FAILURE() << marked(chat);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

TEST(ChatMask, EndsOfTurnAreFound) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% for m in messages %}{{ m.content }}<end_of_turn>\n{% endfor %}", "<end_of_turn>"},
      {"{% for m in messages %}{{ m.content }} </s>{% endfor %}", "</s>"},
      {"{% for m in messages %}{{ m.content }}\n{% endfor %}", ""},
      {"{% for m in messages %}{{ m.content }}{% endfor %}", ""},
      {"{% for m in messages %}{{ m.content }}<|e|>{% endfor %}</s>", "<|e|>"},
  };
  for (const auto& [source, end] : cases) EXPECT_EQ(chat_of(source).end_of_turn(), end) << source;
}

}  // namespace
}  // namespace lq
