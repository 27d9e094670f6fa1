// Against transformers' logits processors (tests/goldens/make_generation_goldens.py).
#include "eval/logit_rules.h"

#include <cmath>
#include <filesystem>
#include <limits>

#include "eval/custom_task.h"
#include "eval/generation_config.h"
#include "eval/generator.h"
#include "eval/greedy_texts.h"
#include "eval/run_tasks.h"
#include "files/json_file.h"
#include "support/io_test_util.h"
#include "support/notes.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;
using Golden = nlohmann::ordered_json;

fs::path in_sources(const char* name) { return fs::path(test::source_dir()) / name; }

Golden golden() { return read_ordered_json(in_sources("tests/goldens/generation.json")); }

SamplerOptions options_of(const Golden& keys) {
  return GenerationConfig::parse(keys.dump(), "f").options({});
}

TEST(LogitRules, ForbidAndForceWhatTransformersDoes) {
  const Golden all = golden();
  const auto plain = all.at("logits").get<std::vector<float>>();
  int cases = 0;
  for (const Golden& c : all.at("rules")) {
    const LogitRules rules = options_of(c.at("keys")).rules;
    std::vector<float> logits = plain;
    rules.apply(logits, c.at("ids").get<Ids>(), {c.at("prompt"), c.at("most").get<std::int64_t>()},
                all.at("ends").get<Ids>());
    const bool penalty = c.at("keys").contains("repetition_penalty");
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const Golden& score = c.at("scores")[i];
      EXPECT_EQ(std::isinf(logits[i]), score.is_null()) << c.dump() << " at " << i;
      if (!score.is_null() && !penalty) {
        EXPECT_EQ(logits[i], score.get<float>()) << c.dump();
      }
    }
    // The likeliest of what is left, the penalty before the rules.
    SamplerOptions greedy = options_of(c.at("keys"));
    greedy.ends = all.at("ends").get<Ids>();
    std::size_t best = 0;
    const auto score_at = [&](std::size_t i) {
      return c.at("scores")[i].is_null() ? -INFINITY : c.at("scores")[i].get<float>();
    };
    for (std::size_t i = 0; i < plain.size(); ++i) best = score_at(i) > score_at(best) ? i : best;
    EXPECT_EQ(Sampler(greedy).pick(plain, c.at("ids").get<Ids>(),
                                   {c.at("prompt"), c.at("most").get<std::int64_t>()}),
              static_cast<std::int32_t>(best))
        << c.dump();
    ++cases;
  }
  EXPECT_GE(cases, 100);
}

TEST(LogitRules, TextsAreThoseOfTransformers) {
  const io_test::TempDir dir;
  fs::copy(in_sources("examples/models/quill"), dir / "model");
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const Ids prompt = {1, 40, 77, 12};
  int cases = 0;
  const Golden all = golden();
  for (const Golden& c : all.at("texts")) {
    fs::remove(dir / "model/generation_config.json");
    io_test::put_file(dir / "model/generation_config.json", c.at("keys").dump());
    const Model model = Model::load(ctx, dir / "model");
    const auto tokenizer = Tokenizer::load(Folder(dir / "model"));
    const GenerationConfig file = GenerationConfig::load(Folder(dir / "model"));
    EXPECT_TRUE(file.ignored.empty()) << c.dump();
    Generator generator(model, *tokenizer);
    GenerateOptions options;
    options.max_tokens = 16;
    options.sampler = file.options({});
    options.precision = DecodePrecision::kFine;
    const GenerateResult alone = generator.generate(ctx, prompt, options);
    EXPECT_EQ(alone.ids, c.at("ids").get<Ids>()) << c.dump();
    // A task's answers, several at a time, are the same texts.
    const std::vector<Ids> prompts = {prompt, {5, 9, 33}};
    const auto texts = greedy_texts(ctx, model, *tokenizer, prompts, {.max_tokens = 16, .file = file});
    EXPECT_EQ(texts[0], alone.text) << c.dump();
    ++cases;
  }
  EXPECT_EQ(cases, 10);
}

// `eval` follows the rules as well, and says what it does not follow.
TEST(LogitRules, TasksSayWhatIsNotFollowed) {
  const io_test::TempDir dir;
  fs::copy(in_sources("examples/models/quill"), dir / "model");
  fs::remove(dir / "model/generation_config.json");
  io_test::put_file(dir / "model/generation_config.json", R"({"num_beams": 4, "min_new_tokens": 2})");
  fs::create_directories(dir / "data/n");
  io_test::put_file(dir / "data/n/test.jsonl", R"({"q": "Q", "a": "b"})"
                                               "\n");
  ThreadPool pool(1);
  test::Notes notes;
  Context ctx{pool, notes, 0, {}};
  const Model model = Model::load(ctx, dir / "model");
  const auto tokenizer = Tokenizer::load(Folder(dir / "model"));
  const Task task = parse_custom_task(
      "name = \"n\"\nkind = \"generate\"\nprompt = \"{{q}}\"\nanswer = \"{{a}}\"\nmax-tokens = 3\n",
      "n.toml");
  TaskOptions options;
  options.data = dir / "data";
  run_task(ctx, model, *tokenizer, task, options);
  EXPECT_TRUE(notes.has("n: generation_config.json: not followed: num_beams 4\n")) << notes.text;
}

TEST(LogitRules, AreTheLastTokensOfANarrowContext) {
  LogitRules rules;
  rules.forced_eos = {5};
  std::vector<float> logits(8, 1.0F);
  rules.apply(logits, Ids{1, 2, 3}, {3, std::nullopt}, {});
  EXPECT_EQ(logits[0], 1.0F) << "texts without an end";
  rules.apply(logits, Ids{1, 2, 3}, {3, 4}, {});
  EXPECT_EQ(logits[0], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(logits[5], 0.0F);
}

TEST(LogitRules, WhatCannotBeIsRefused) {
  for (const char* text :
       {R"({"no_repeat_ngram_size": -1})", R"({"bad_words_ids": [[]]})", R"({"bad_words_ids": [1]})",
        R"({"bad_words_ids": [[-1]]})", R"({"min_new_tokens": 1.5})", R"({"suppress_tokens": "x"})",
        R"({"forced_eos_token_id": -1})"}) {
    EXPECT_THROW(GenerationConfig::parse(text, "f"), Error) << text;
  }
  const std::vector<float> logits(8, 1.0F);
  io_test::expect_error(ErrorCode::kMismatch, {"forced_bos_token_id is 8", "8 ids"},
                        [&] { Sampler({.rules = {.forced_bos = 8}}).pick(logits, Ids{1}, {1}); });
  for (const double temperature : {0.0, 1.0}) {
    io_test::expect_error(ErrorCode::kInvalidArgument, {"no token may come"}, [&] {
      Sampler({.temperature = temperature, .rules = {.suppress = {0, 1, 2, 3, 4, 5, 6, 7}}})
          .pick(logits, Ids{1}, {1});
    });
  }
}

}  // namespace
}  // namespace lq
