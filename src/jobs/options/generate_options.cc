#include "jobs/options/generate_options.h"

#include "files/options/option_values.h"
#include "templates/chat_template.h"

namespace lq {
namespace {

constexpr const char* kSampling = "How the next token is chosen";

void describe_text(OptionVisitor& v, TextOptions& o) {
  v.option({.key = "max-tokens", .help = "New tokens at most"}, integer(o.generate.max_tokens, 1));
  v.option({.key = "temperature",
            .help = "0: always the likeliest token (default of this and the next four: the model's "
                    "generation_config.json; without one 0, and nothing is cut)",
            .group = kSampling},
           number(o.sampling.temperature, kZeroOrMore));
  v.option({.key = "top-k", .help = "Draw among this many; 0: all", .group = kSampling},
           integer(o.sampling.top_k, 0));
  v.option(
      {.key = "top-p", .help = "Draw among the likeliest that reach this probability", .group = kSampling},
      number(o.sampling.top_p, {.least = 0.0, .most = 1.0, .above = true}));
  v.option({.key = "min-p",
            .help = "Draw among those at least this times as likely as the likeliest",
            .group = kSampling},
           number(o.sampling.min_p, kShare));
  v.option({.key = "repetition-penalty", .help = "Above 1: makes repetition less likely", .group = kSampling},
           number(o.sampling.repetition_penalty, kAboveZero));
  v.option({.key = "stop", .help = "End before this text, that of special tokens too (repeatable)"},
           texts(o.generate.stop));
  v.option(
      {.key = "decode-precision",
       .help = "Packed models: fast (a token: 8-bit activations and codebook; a prompt: 16-bit integers) "
               "or fine (14 bits; f32)"},
      name(o.generate.precision, kDecodePrecisionNames));
  v.option({.key = "ignore-eos", .help = "Go on past the end-of-text token"}, flag(o.generate.ignore_eos));
}

}  // namespace

void describe(OptionVisitor& v, PromptOptions& o) {
  describe(v, o.model);
  v.option({.key = "prompt", .help = "Text to continue", .required = true}, text(o.prompt));
  describe_text(v, o);
}

void describe(OptionVisitor& v, ConversationOptions& o) {
  describe(v, o.model);
  v.option({.key = "format", .help = "Chat template by name (default: the one of the model's tokenizer)"},
           word(o.format, ChatTemplate::names()));
  v.option({.key = "system", .help = "System message"}, text(o.system));
  describe_text(v, o);
}

}  // namespace lq
