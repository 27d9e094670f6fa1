// The formats known by name, each against a conversation written out by hand. As their makers' own programs
// render them: tests/templates/chat_template_test.cc.
#include "templates/chat_builtin.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"
#include "templates/jinja.h"

namespace lq {
namespace {

struct Said {
  const char* role;
  const char* content;
};

std::string builtin_text(std::string_view name, const std::vector<Said>& talk, bool prompt) {
  nlohmann::ordered_json variables = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"add_generation_prompt", prompt}};
  variables["messages"] = nlohmann::ordered_json::array();
  for (const Said& m : talk) variables["messages"].push_back({{"role", m.role}, {"content", m.content}});
  for (const BuiltinTemplate& t : builtin_templates()) {
    RenderOptions options;
    options.strict = true;  // nothing but these variables is printed
    if (t.name == name) return Jinja(t.source, std::string(name)).render(variables, options);
  }
  return "no such template";
}

TEST(ChatBuiltin, NamesInTheOrderOfTheDocumentation) {
  std::vector<std::string> names;
  for (const BuiltinTemplate& t : builtin_templates()) {
    names.emplace_back(t.name);
    EXPECT_NE(t.source.find("messages"), std::string_view::npos) << t.name;
    EXPECT_FALSE(Jinja(t.source, "x").has_generation()) << t.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"llama-2", "llama-3", "chatml", "zephyr", "mistral", "alpaca",
                                             "vicuna"}));
}

TEST(ChatBuiltin, AConversationByHand) {
  const std::vector<Said> talk = {
      {"system", "Be brief."}, {"user", " one? "}, {"assistant", " two. "}, {"user", "three?"}};
  struct Expected {
    const char* name;
    std::string text, prompt;
  };
  const Expected all[] = {
      {"llama-2", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n one? [/INST] two. </s><s>[INST] three? [/INST]",
       ""},
      {"llama-3",
       "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
       "<|start_header_id|>user<|end_header_id|>\n\none?<|eot_id|>"
       "<|start_header_id|>assistant<|end_header_id|>\n\ntwo.<|eot_id|>"
       "<|start_header_id|>user<|end_header_id|>\n\nthree?<|eot_id|>",
       "<|start_header_id|>assistant<|end_header_id|>\n\n"},
      {"chatml",
       "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n one? <|im_end|>\n"
       "<|im_start|>assistant\n two. <|im_end|>\n<|im_start|>user\nthree?<|im_end|>\n",
       "<|im_start|>assistant\n"},
      {"zephyr",
       "<|system|>\nBe brief.</s>\n<|user|>\n one? </s>\n<|assistant|>\n two. </s>\n<|user|>\nthree?</s>\n",
       "<|assistant|>\n"},
      {"mistral", "<s>[INST] Be brief.\n\n one?  [/INST] two. </s>[INST] three? [/INST]", ""},
      {"alpaca",
       "<s>Be brief.\n\n### Instruction:\n one? \n\n### Response:\n two. </s>\n\n### Instruction:\nthree?",
       "\n\n### Response:\n"},
      {"vicuna", "<s>Be brief. USER:  one?  ASSISTANT:  two. </s>USER: three?", " ASSISTANT:"}};
  ASSERT_EQ(std::size(all), builtin_templates().size());
  for (const Expected& e : all) {
    EXPECT_EQ(builtin_text(e.name, talk, false), e.text);
    EXPECT_EQ(builtin_text(e.name, talk, true), e.text + e.prompt);
  }
}

TEST(ChatBuiltin, WithoutASystemMessage) {
  const std::vector<Said> talk = {{"user", "one?"}};
  const std::string below = "<s>Below is an instruction that describes a task";
  const std::string write = "Write a response that appropriately completes the request.";
  EXPECT_EQ(builtin_text("llama-2", talk, true), "<s>[INST] one? [/INST]");
  EXPECT_EQ(builtin_text("mistral", talk, true), "<s>[INST] one? [/INST]");
  EXPECT_EQ(builtin_text("zephyr", talk, true), "<|user|>\none?</s>\n<|assistant|>\n");
  EXPECT_EQ(builtin_text("alpaca", talk, true),
            below + ". " + write + "\n\n### Instruction:\none?\n\n### Response:\n");
  EXPECT_EQ(builtin_text("alpaca", {{"user", "Sum.\n\n### Input:\n1 2"}}, false),
            below + ", paired with an input that provides further context. " + write +
                "\n\n### Instruction:\nSum.\n\n### Input:\n1 2");
  EXPECT_EQ(builtin_text("vicuna", talk, true),
            "<s>A chat between a curious user and an artificial intelligence assistant. The assistant gives "
            "helpful, detailed, and polite answers to the user's questions. USER: one? ASSISTANT:");
}

TEST(ChatBuiltin, NothingSaidYet) {
  const std::pair<const char*, const char*> all[] = {
      {"llama-2", ""}, {"llama-3", "<s>"}, {"chatml", ""}, {"zephyr", ""}, {"mistral", "<s>"}};
  for (const auto& [name, text] : all) EXPECT_EQ(builtin_text(name, {}, false), text) << name;
  for (const char* name : {"alpaca", "vicuna"}) {
    const std::string preamble = builtin_text(name, {}, false);
    EXPECT_TRUE(builtin_text(name, {{"user", "one?"}}, false).starts_with(preamble)) << name;
    EXPECT_EQ(preamble.find("one?"), std::string::npos);
    EXPECT_GT(preamble.size(), 50U);
  }
}

TEST(ChatBuiltin, WhatPeopleSayIsNotTemplate) {
  const char* const said = "{{ bos_token }}{% if x %} '\\n' <</SYS>>";
  for (const BuiltinTemplate& t : builtin_templates()) {
    const std::string text = builtin_text(t.name, {{"user", said}}, false);
    EXPECT_NE(text.find(said), std::string::npos) << text;
  }
}

TEST(ChatBuiltin, RolesWithoutAPlaceAreRefused) {
  const std::vector<Said> twice = {{"user", "one?"}, {"user", "two?"}};
  const std::vector<Said> answer_first = {{"assistant", "two."}};
  const std::vector<Said> late_system = {{"user", "one?"}, {"assistant", "two."}, {"system", "Be brief."}};
  const std::vector<Said> two_systems = {{"system", "Be brief."}, {"system", "Be kind."}, {"user", "one?"}};
  const std::vector<Said> tool = {{"user", "one?"}, {"tool", "7"}};
  const auto refused = [](const char* name, const std::vector<Said>& talk, std::string_view reason) {
    SCOPED_TRACE(name);
    io_test::expect_error(ErrorCode::kInvalidArgument, {name, reason},
                          [&] { builtin_text(name, talk, false); });
  };
  for (const char* name : {"llama-2", "mistral"}) {
    for (const auto& talk : {twice, answer_first, late_system, two_systems, tool}) {
      refused(name, talk, "roles should be user, assistant, user, ..., after at most one system message");
    }
  }
  for (const char* name : {"alpaca", "vicuna"}) {
    for (const auto& talk : {late_system, two_systems, tool}) {
      refused(name, talk, "roles should be user and assistant, after at most one system message");
    }
  }
  refused("zephyr", tool, "roles should be system, user and assistant");
  EXPECT_EQ(builtin_text("chatml", tool, false),
            "<|im_start|>user\none?<|im_end|>\n<|im_start|>tool\n7<|im_end|>\n");
}

}  // namespace
}  // namespace lq
