#include "eval/generation_config.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;
using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

GenerationConfig parsed(const std::string& text) { return GenerationConfig::parse(text, "f"); }

TEST(GenerationConfig, EosIsANumberAListOrNone) {
  EXPECT_EQ(parsed(R"({"eos_token_id": 2})").eos, Ids{2});
  EXPECT_EQ(parsed(R"({"eos_token_id": [128001, 128008, 128009]})").eos, (Ids{128001, 128008, 128009}));
  for (const char* none : {R"({})", R"({"eos_token_id": null})", R"({"eos_token_id": -1})",
                           R"({"eos_token_id": []})", R"({"eos_token_id": [-1]})"}) {
    EXPECT_EQ(parsed(none).eos, Ids{}) << none;
  }
  EXPECT_EQ(parsed(R"({"stop_strings": "END"})").stop_strings, Texts{"END"});
  EXPECT_EQ(parsed(R"({"stop_strings": ["a", "b"]})").stop_strings, (Texts{"a", "b"}));
}

TEST(GenerationConfig, AbsentFilesSetNothing) {
  const TempDir dir;
  const GenerationConfig none = GenerationConfig::load(dir.path());
  EXPECT_TRUE(none.eos.empty() && none.ignored.empty() && !none.do_sample);
  EXPECT_EQ(none.note({}), "");
  put_file(dir / "generation_config.json", R"({"eos_token_id": 7})");
  EXPECT_EQ(GenerationConfig::load(dir.path()).eos, Ids{7});
}

// temperature, top_k, top_p, repetition penalty in use, as transformers' GenerationConfig with its defaults
// gives them (sampling off: 0), and as a request changes them.
TEST(GenerationConfig, DefaultsThatARequestOverrides) {
  struct Case {
    std::string file;
    SamplingRequest request;
    double temperature;
    std::int64_t top_k;
    double top_p, repetition_penalty;
  };
  const std::vector<Case> cases = {
      {"{}", {}, 0, 0, 1, 1},
      {R"({"temperature": 0.6, "top_p": 0.9, "top_k": 40})", {}, 0, 0, 1, 1},  // no do_sample: greedy
      {R"({"do_sample": false, "temperature": 0.6})", {}, 0, 0, 1, 1},
      {R"({"do_sample": true})", {}, 1, 50, 1, 1},
      {R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9})", {}, 0.6, 50, 0.9, 1},
      {R"({"do_sample": true, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05})",
       {},
       0.7,
       20,
       0.8,
       1.05},
      {R"({"do_sample": true, "top_k": 0})", {}, 1, 0, 1, 1},
      {R"({"do_sample": true, "top_k": -1})", {}, 1, 0, 1, 1},
      {R"({"repetition_penalty": 1.2})", {}, 0, 0, 1, 1.2},
      {R"({"do_sample": true, "temperature": 0.6})", {.temperature = 0.0}, 0, 50, 1, 1},
      {R"({"do_sample": true, "temperature": 0.6})", {.temperature = 0.9, .top_k = 5}, 0.9, 5, 1, 1},
      {R"({"repetition_penalty": 1.2})", {.repetition_penalty = 1.0}, 0, 0, 1, 1},
      {"{}", {.temperature = 0.8, .top_p = 0.95}, 0.8, 0, 0.95, 1},
      // Who asks for a temperature samples: among what the file leaves.
      {R"({"top_k": 1, "top_p": 0.9})", {.temperature = 5.0}, 5, 1, 0.9, 1},
      {R"({"top_k": 1})", {.temperature = 5.0, .top_k = 7}, 5, 7, 1, 1},
  };
  for (const Case& c : cases) {
    const SamplerOptions o = parsed(c.file).options(c.request);
    EXPECT_EQ(o.temperature, c.temperature) << c.file;
    EXPECT_EQ(o.top_k, c.top_k) << c.file;
    EXPECT_EQ(o.top_p, c.top_p) << c.file;
    EXPECT_EQ(o.repetition_penalty, c.repetition_penalty) << c.file;
  }
  EXPECT_EQ(parsed(R"({"do_sample": true, "min_p": 0.1})").options({}).min_p, 0.1);
}

TEST(GenerationConfig, WhatIsNotFollowedIsNamedInOneLine) {
  EXPECT_EQ(parsed(R"({"num_beams": 4, "do_sample": false, "suppress_tokens": [1, 2]})").note({}),
            "generation_config.json: followed: suppress_tokens [1, 2]; not followed: num_beams 4");
  EXPECT_EQ(parsed(R"({"top_k": 5, "typical_p": 0.9, "sequence_bias": [[[1], 2.0]]})").note({}),
            "generation_config.json: not followed: sequence_bias [[[1],2.0]]");
  EXPECT_EQ(parsed(R"({"do_sample": true, "typical_p": 0.9, "min_new_tokens": 3})").note({.top_k = 2}),
            "generation_config.json: temperature 1 by default; followed: min_new_tokens 3, typical_p 0.9");
  EXPECT_EQ(parsed(R"({"do_sample": true, "temperature": 0.6, "strange": "x"})").note({}),
            "generation_config.json: temperature 0.6, top-k 50 by default; not followed: strange \"x\"");
  EXPECT_EQ(parsed(R"({"do_sample": true, "temperature": 0.6})").note({.temperature = 0.0, .top_k = 0}), "");
  for (const char* quiet :
       {R"({"num_beams": 1, "no_repeat_ngram_size": 0, "typical_p": 1.0, "suppress_tokens": null})",
        R"({"transformers_version": "5.24.0", "use_cache": true, "_from_model_config": true})",
        R"({"bos_token_id": 1, "pad_token_id": 0, "max_length": 4096, "max_new_tokens": 512})",
        R"({"bad_words_ids": [], "renormalize_logits": false, "output_attentions": false})",
        R"({"guidance_scale": null, "length_penalty": 1.0, "early_stopping": false})"}) {
    EXPECT_EQ(parsed(quiet).note({}), "") << quiet;
  }
}

TEST(GenerationConfig, WhatCannotBeIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"eos_token_id": "</s>"})", "'eos_token_id'"},
      {R"({"eos_token_id": [1, 2.5]})", "'eos_token_id'"},
      {R"({"temperature": -1})", "'temperature'"},
      {R"({"top_p": 1.5})", "'top_p'"},
      {R"({"top_k": 2.5})", "'top_k'"},
      {R"({"do_sample": "yes"})", "'do_sample'"},
      {R"({"repetition_penalty": 0})", "'repetition_penalty'"},
      {R"({"stop_strings": [1]})", "'stop_strings'"},
      {"[]", "f"},
      {"{", "not valid JSON"},
  };
  for (const auto& [text, part] : cases) {
    expect_error(ErrorCode::kCorruptFile, {"f", part}, [&] { parsed(text); });
  }
}

}  // namespace
}  // namespace lq
