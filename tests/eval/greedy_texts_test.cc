#include "eval/greedy_texts.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "eval/generator.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

class GreedyTexts : public ::testing::Test {
 protected:
  std::filesystem::path quill_ = std::filesystem::path(test::source_dir()) / "examples/models/quill";
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Model model_ = Model::load(ctx_, quill_);
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::load(quill_);

  std::vector<std::vector<std::int32_t>> prompts() const {
    std::vector<std::vector<std::int32_t>> all;
    for (const char* text :
         {"The sea", "The boats came home in the evening and the men", "A", "Snow fell on"})
      all.push_back(tokenizer_->encode(text, true));
    return all;
  }
};

TEST_F(GreedyTexts, AreThoseOfTheGenerator) {
  const GreedyOptions options{.max_tokens = 12, .stop = {" and", "."}};
  const auto texts = greedy_texts(ctx_, model_, *tokenizer_, prompts(), options);
  Generator generator(model_, *tokenizer_);
  GenerateOptions alone;
  alone.max_tokens = 12;
  alone.stop = options.stop;
  alone.precision = DecodePrecision::kFine;
  const auto all = prompts();
  ASSERT_EQ(texts.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(texts[i], generator.generate(ctx_, all[i], alone).text) << i;
    EXPECT_EQ(texts[i].find(" and"), std::string::npos);
  }
  // One at a time: the cache has room for no more.
  GreedyOptions narrow = options;
  narrow.cache_bytes = 1;
  EXPECT_EQ(greedy_texts(ctx_, model_, *tokenizer_, all, narrow), texts);
}

TEST_F(GreedyTexts, FollowTheModelsGenerationFile) {
  const auto plain = greedy_texts(ctx_, model_, *tokenizer_, prompts(), {.max_tokens = 12});
  GreedyOptions options{.max_tokens = 12};
  options.file.sampling.repetition_penalty = 1.5;
  const auto penalised = greedy_texts(ctx_, model_, *tokenizer_, prompts(), options);
  EXPECT_NE(penalised, plain);
  Generator generator(model_, *tokenizer_);
  GenerateOptions alone{.max_tokens = 12, .precision = DecodePrecision::kFine};
  alone.sampler.repetition_penalty = 1.5;
  EXPECT_EQ(generator.generate(ctx_, prompts()[1], alone).text, penalised[1]);
  // A comma ends these, and so does a text of the file.
  GreedyOptions ends{.max_tokens = 12};
  ends.file.eos = {*tokenizer_->id_of(",")};
  ends.file.stop_strings = {"."};
  for (const std::string& text : greedy_texts(ctx_, model_, *tokenizer_, prompts(), ends)) {
    EXPECT_EQ(text.find_first_of(",."), std::string::npos) << text;
  }
}

TEST_F(GreedyTexts, ARunThatWasKilledGoesOn) {
  const io_test::TempDir dir;
  GreedyOptions options{.max_tokens = 6, .cache_bytes = 1};
  const auto whole = greedy_texts(ctx_, model_, *tokenizer_, prompts(), options);
  {
    AnswerStore store(dir / "answers");
    options.store = &store;
    const auto all = prompts();
    greedy_texts(ctx_, model_, *tokenizer_, std::span(all).first(2), options);
    store.put(2, "another prompt", {"not this"});
  }
  AnswerStore store(dir / "answers");
  options.store = &store;
  EXPECT_EQ(greedy_texts(ctx_, model_, *tokenizer_, prompts(), options), whole);
}

TEST_F(GreedyTexts, RefusesPromptsThatDoNotFit) {
  const auto refused = [&](std::vector<std::int32_t> ids) {
    const std::vector<std::vector<std::int32_t>> one = {std::move(ids)};
    EXPECT_THROW(greedy_texts(ctx_, model_, *tokenizer_, one, {.max_tokens = 4}), Error);
  };
  refused({});
  refused({5000});
  refused(std::vector<std::int32_t>(1021, 5));
}

}  // namespace
}  // namespace lq
