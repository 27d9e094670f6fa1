#include "lqlora/evaluate.h"

#include <cmath>

#include "api_fixture.h"

namespace lqlora {
namespace {

constexpr const char* kCalm = "The sea was calm, and the wind came from the north all day long.";

TEST(ApiEvaluate, PerplexityIsThatOfTheModelsOwnLosses) {
  Context context({.threads = 2});
  const Model model = Model::load(context, Checkpoint::open(quill()));
  const Tokenizer tokenizer = Tokenizer::load(quill());
  const Perplexity p = perplexity(context, model, tokenizer, kCalm, {.seq_len = 512, .reference = &model});
  const auto losses = model.losses(context, tokenizer.encode(kCalm));
  double sum = 0;
  for (const float loss : losses) sum += loss;
  EXPECT_FALSE(p.bos);  // quill has none
  EXPECT_EQ(p.windows, 1);
  EXPECT_EQ(p.tokens, static_cast<std::int64_t>(losses.size()));
  // Some twenty losses of f32 scores.
  EXPECT_NEAR(p.nll_per_token, sum / static_cast<double>(losses.size()), 1e-5);
  EXPECT_NEAR(p.nll_per_byte, sum / static_cast<double>(std::string_view(kCalm).size()), 1e-5);
  EXPECT_DOUBLE_EQ(p.perplexity, std::exp(p.nll_per_token));
  ASSERT_TRUE(p.kl.has_value());
  EXPECT_NEAR(*p.kl, 0.0, 1e-9);  // of a model to itself
}

TEST(ApiEvaluate, WindowsAreCutAndRefusalsSaySo) {
  Context context({.threads = 2});
  const Model model = Model::load(context, Checkpoint::open(quill()));
  const Tokenizer tokenizer = Tokenizer::load(quill());
  const Perplexity whole = perplexity(context, model, tokenizer, kCalm);
  EXPECT_FALSE(whole.kl.has_value());
  // The first token of each window is not predicted.
  const Perplexity cut = perplexity(context, model, tokenizer, kCalm, {.seq_len = 8});
  EXPECT_EQ(cut.windows, (whole.tokens + 1 + 7) / 8);
  EXPECT_EQ(cut.tokens, whole.tokens + 1 - cut.windows);
  EXPECT_GT(cut.nll_per_token, whole.nll_per_token);  // less is known of what came before
  const auto refused = [&](std::int64_t seq_len, std::string_view text) {
    return error_of([&] { perplexity(context, model, tokenizer, text, {.seq_len = seq_len}); });
  };
  EXPECT_NE(refused(1, kCalm).find("1"), std::string::npos);
  EXPECT_NE(refused(1025, kCalm).find("1024"), std::string::npos);
  EXPECT_NE(refused(512, ""), "none");
}

TEST(ApiEvaluate, AnEncoderIsNoReference) {
  Context context({.threads = 1});
  const Model model = Model::load(context, Checkpoint::open(quill()));
  const Model encoder = Model::load(context, Checkpoint::open(masked_model()));
  const Tokenizer tokenizer = Tokenizer::load(quill());
  const auto error = error_of([&] { perplexity(context, model, tokenizer, kCalm, {.reference = &encoder}); });
  EXPECT_NE(error.find("bert_masked: an encoder"), std::string::npos) << error;
}

}  // namespace
}  // namespace lqlora
