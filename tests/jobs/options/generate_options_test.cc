#include "jobs/options/generate_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

// What is not asked for stays open: the model's generation_config.json fills it in, even where zero is asked
// for beside.
TEST(GenerateOptions, OnlyWhatIsAskedForIsRequested) {
  PromptOptions o;
  set_option(o, "temperature", 0.0);
  set_option(o, "top-k", 7);
  EXPECT_EQ(o.sampling.temperature, 0.0);
  EXPECT_EQ(o.sampling.top_k, 7);
  EXPECT_FALSE(o.sampling.top_p || o.sampling.min_p || o.sampling.repetition_penalty);
  GenerationConfig config;
  config.do_sample = true;
  config.sampling.temperature = 0.8;
  config.sampling.top_p = 0.5;
  const SamplerOptions sampler = config.options(o.sampling);
  EXPECT_EQ(sampler.temperature, 0.0);
  EXPECT_EQ(sampler.top_k, 7);
  EXPECT_EQ(sampler.top_p, 0.5);
}

TEST(GenerateOptions, Ranges) {
  PromptOptions o;
  EXPECT_THROW(set_option(o, "temperature", -0.1), Error);
  EXPECT_THROW(set_option(o, "top-p", 1.5), Error);
  EXPECT_THROW(set_option(o, "min-p", -0.5), Error);
  EXPECT_THROW(set_option(o, "repetition-penalty", 0.0), Error);
  EXPECT_THROW(set_option(o, "max-tokens", 0), Error);
  EXPECT_THROW(set_option(o, "decode-precision", "exact"), Error);
  EXPECT_EQ(set_option(o, "decode-precision", "fine"), "fine");
  EXPECT_EQ(o.generate.precision, DecodePrecision::kFine);
}

TEST(GenerateOptions, StopTextsAreKeptWhole) {
  ConversationOptions o;
  set_option(o, "stop", {"a, b", "\n\n"});
  EXPECT_EQ(o.generate.stop, (std::vector<std::string>{"a, b", "\n\n"})) << "a comma parts no stop texts";
}

TEST(GenerateOptions, AConversationHasAFormatAndNoPrompt) {
  PromptOptions prompt;
  ConversationOptions conversation;
  const auto of_prompt = option_infos(prompt);
  const auto of_conversation = option_infos(conversation);
  EXPECT_TRUE(of_prompt.at("prompt").required);
  EXPECT_FALSE(of_conversation.contains("prompt"));
  EXPECT_FALSE(of_prompt.contains("format") || of_prompt.contains("system"));
  EXPECT_THROW(set_option(conversation, "format", "no-such-template"), Error);
  set_option(conversation, "format", "chatml");
  EXPECT_EQ(conversation.format, "chatml");
  // All the rest is shared.
  for (const auto& [key, info] : of_prompt) {
    if (key != "prompt") {
      EXPECT_TRUE(of_conversation.contains(key)) << key;
    }
  }
}

}  // namespace
}  // namespace lq
