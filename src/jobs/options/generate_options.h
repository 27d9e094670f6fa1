// The options of generate and chat, described (files/options/option.h).
#pragma once

#include <string>

#include "base/enum_names.h"
#include "eval/generation_config.h"
#include "eval/generator.h"
#include "jobs/options/model_source.h"

namespace lq {

inline constexpr EnumName<DecodePrecision> kDecodePrecisionNames[] = {{DecodePrecision::kFast, "fast"},
                                                                      {DecodePrecision::kFine, "fine"}};

struct TextOptions {
  ModelSource model = {};
  GenerateOptions generate = {};  // its sampler is made of `sampling` and the model's generation_config.json
  SamplingRequest sampling = {};
};

struct PromptOptions : TextOptions {
  std::string prompt = {};
};

struct ConversationOptions : TextOptions {
  std::string format = {};  // name of a chat template; empty: the tokenizer's own
  std::string system = {};  // message before the first
};

void describe(OptionVisitor& v, PromptOptions& o);
void describe(OptionVisitor& v, ConversationOptions& o);

}  // namespace lq
