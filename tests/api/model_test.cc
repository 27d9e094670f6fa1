#include "lqlora/model.h"

#include <cmath>

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiModel, ScoresAndLossesBelongTogether) {
  Context context({.threads = 2});
  const Model model = Model::load(context, Checkpoint::open(quill()));
  EXPECT_EQ(model.layers(), 6);
  EXPECT_EQ(model.hidden(), 256);
  EXPECT_EQ(model.context_length(), 1024);
  const auto modules = model.modules();
  ASSERT_EQ(modules.size(), 6U * 7U + 1U);
  EXPECT_EQ(modules[0].name, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(modules[0].rows, 256);
  EXPECT_EQ(modules[0].rank, 0);
  EXPECT_FALSE(modules[0].packed);
  const auto ids = Tokenizer::load(quill()).encode("It was a cold evening");
  const auto logits = model.logits(context, ids);
  const auto losses = model.losses(context, ids);
  const auto vocab = static_cast<std::size_t>(model.vocab());
  ASSERT_EQ(logits.size(), ids.size() * vocab);
  ASSERT_EQ(losses.size(), ids.size() - 1);
  for (std::size_t t = 0; t < losses.size(); ++t) {
    double sum = 0;
    for (std::size_t i = 0; i < vocab; ++i) sum += std::exp(static_cast<double>(logits[t * vocab + i]));
    const double expected = std::log(sum) - logits[t * vocab + static_cast<std::size_t>(ids[t + 1])];
    // f32 scores of magnitude 20 at most.
    EXPECT_NEAR(losses[t], expected, 1e-5) << t;
  }
  EXPECT_NE(error_of([&] { model.logits(context, {}); }), "none");
  EXPECT_NE(error_of([&] { model.losses(context, std::vector<std::int32_t>(1025, 1)); }).find("1024"),
            std::string::npos);
  EXPECT_NE(error_of([&] { model.logits(context, std::vector<std::int32_t>{4096}); }), "none");
}

TEST(ApiModel, AnAdapterAndNoneExcludeEachOther) {
  Context context({.threads = 1});
  const Checkpoint checkpoint = Checkpoint::open(quill());
  EXPECT_NE(error_of([&] {
              Model::load(context, checkpoint, {.adapter = quill(), .no_adapter = true});
            }).find("no_adapter excludes adapter"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              export_dense(context, checkpoint, quill() + "-out",
                           {.without_adapter = true, .keep_adapter = true});
            }).find("without_adapter excludes"),
            std::string::npos);
}

TEST(ApiModel, AnEncoderSaysNoNextToken) {
  Context context({.threads = 1});
  const Model model = Model::load(context, Checkpoint::open(masked_model()));
  const std::vector<std::int32_t> ids = {5, 6, 7, 8};
  EXPECT_NE(error_of([&] { model.losses(context, ids); }).find("an encoder"), std::string::npos);
}

}  // namespace
}  // namespace lqlora
