#include "lqlora/generate.h"

#include <algorithm>
#include <set>

#include "api_fixture.h"

namespace lqlora {
namespace {

class ApiGenerate : public testing::Test {
 protected:
  Context context_{{.threads = 2, .seed = 3}};
  Model model_ = Model::load(context_, Checkpoint::open(quill()));
  Tokenizer tokenizer_ = Tokenizer::load(quill());
  Generator generator_{model_, tokenizer_};
  const std::string prompt_ = "It was a cold evening";
};

// The most likely token by the model's own scores, again and again.
TEST_F(ApiGenerate, GreedyTextIsTheModelsMostLikely) {
  std::vector<std::int32_t> ids = tokenizer_.encode(prompt_);
  const std::size_t prompt_tokens = ids.size();
  const Generated have = generator_.generate(context_, prompt_, {.max_tokens = 5, .ignore_eos = true});
  for (int i = 0; i < 5; ++i) {
    const auto logits = model_.logits(context_, ids);
    const auto last = logits.end() - model_.vocab();
    ids.push_back(static_cast<std::int32_t>(std::max_element(last, logits.end()) - last));
  }
  EXPECT_EQ(have.ids,
            std::vector<std::int32_t>(ids.begin() + static_cast<std::ptrdiff_t>(prompt_tokens), ids.end()));
  EXPECT_EQ(have.prompt_tokens, static_cast<std::int64_t>(prompt_tokens));
  EXPECT_EQ(have.stop, "length");
  // The sequence as ids is the same prompt, and what a Generator has kept changes nothing.
  ids.resize(prompt_tokens);
  EXPECT_EQ(generator_.generate(context_, ids, {.max_tokens = 5, .ignore_eos = true}).ids, have.ids);
  Generator fresh(model_, tokenizer_);
  EXPECT_EQ(fresh.generate(context_, ids, {.max_tokens = 5, .ignore_eos = true}).text, have.text);
}

TEST_F(ApiGenerate, EndsWhereItIsTold) {
  const Generated whole = generator_.generate(context_, prompt_, {.max_tokens = 12});
  ASSERT_GT(whole.text.size(), 8U);
  const std::string stop = whole.text.substr(4, 3);
  const Generated cut = generator_.generate(context_, prompt_, {.max_tokens = 12, .stop = {stop}});
  EXPECT_EQ(cut.stop, "stop");
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
  int pieces = 0;
  std::string streamed;
  const Generated broken =
      generator_.generate(context_, prompt_, {.max_tokens = 12}, [&](std::string_view piece) {
        streamed += piece;
        return ++pieces < 2;
      });
  EXPECT_EQ(broken.stop, "callback");
  EXPECT_EQ(pieces, 2);
  EXPECT_EQ(whole.text.substr(0, streamed.size()), streamed);
  Generator narrow(model_, tokenizer_, static_cast<std::int64_t>(tokenizer_.encode(prompt_).size()) + 3);
  const Generated full = narrow.generate(context_, prompt_, {.max_tokens = 12, .ignore_eos = true});
  EXPECT_EQ(full.stop, "context");
  EXPECT_LE(full.ids.size(), 4U);
}

TEST_F(ApiGenerate, DrawsDependOnTheSeedAlone) {
  const GenerateOptions warm = {.max_tokens = 12, .temperature = 1.5, .ignore_eos = true};
  const auto text_of = [&](std::uint64_t seed, int threads) {
    Context context({.threads = threads, .seed = seed});
    return generator_.generate(context, prompt_, warm).text;
  };
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::string text = text_of(seed, 1);
    EXPECT_EQ(text_of(seed, 2), text) << seed;
    texts.insert(text);
  }
  EXPECT_GT(texts.size(), 1U);
  // One token to draw from is no draw.
  EXPECT_EQ(generator_.generate(context_, prompt_, {.max_tokens = 6, .temperature = 1.5, .top_k = 1}).ids,
            generator_.generate(context_, prompt_, {.max_tokens = 6}).ids);
}

TEST_F(ApiGenerate, FollowsTheStepsOfATrainer) {
  const GenerateOptions eight = {.max_tokens = 8, .ignore_eos = true};
  const auto before = generator_.generate(context_, prompt_, eight).ids;
  Trainer trainer(context_, model_, {.rank = 4, .learning_rate = 1e-2});
  const TrainingSequence other = {tokenizer_.encode(prompt_ + " moon moon moon moon moon moon moon")};
  for (int i = 0; i < 4; ++i) trainer.step({&other, 1});
  Generator fresh(model_, tokenizer_);
  const auto after = fresh.generate(context_, prompt_, eight).ids;
  EXPECT_NE(after, before);
  EXPECT_EQ(generator_.generate(context_, prompt_, eight).ids, after);
  // Longer by a part that is new: nothing of the old prompt's keys is left either.
  trainer.step({&other, 1});
  Generator again(model_, tokenizer_);
  EXPECT_EQ(generator_.generate(context_, prompt_ + " and", eight).ids,
            again.generate(context_, prompt_ + " and", eight).ids);
}

TEST_F(ApiGenerate, RefusesWhatCannotBe) {
  const auto refused = [&](const GenerateOptions& options) {
    return error_of([&] { generator_.generate(context_, prompt_, options); });
  };
  EXPECT_NE(refused({.repetition_penalty = 0.0}).find("repetition"), std::string::npos);
  EXPECT_NE(refused({.temperature = -1.0}).find("temperature"), std::string::npos);
  EXPECT_NE(refused({.top_p = 0.0}).find("top"), std::string::npos);
  EXPECT_NE(refused({.max_tokens = -1}).find("max-tokens is -1"), std::string::npos);
  EXPECT_TRUE(generator_.generate(context_, prompt_, {.max_tokens = 0}).ids.empty());
  EXPECT_NE(error_of([&] { Generator(model_, tokenizer_, -5); }).find("context is -5"), std::string::npos);
  EXPECT_NE(error_of([&] { Generator(model_, tokenizer_, 2000); }).find("2000 tokens exceed"),
            std::string::npos);
  EXPECT_NE(error_of([&] { generator_.generate(context_, std::span<const std::int32_t>{}); }), "none");
  EXPECT_NE(error_of([&] { generator_.generate(context_, std::vector<std::int32_t>(2000, 5)); }), "none");
}

}  // namespace
}  // namespace lqlora
