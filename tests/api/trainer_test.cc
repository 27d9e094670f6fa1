#include "lqlora/finetune.h"

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiTrainer, StepsLearnAndTheAdapterIsWhatWasLearnt) {
  const lq::io_test::TempDir dir;
  Context context({.threads = 2});
  Model model = Model::load(context, Checkpoint::open(quill()));
  const Tokenizer tokenizer = Tokenizer::load(quill());
  Trainer trainer(context, model, {.rank = 4, .learning_rate = 1e-2});
  std::vector<TrainingSequence> batch = {{tokenizer.encode("The moon is made of tin.")},
                                         {tokenizer.encode("So is the sun.")}};
  // The second one counts from its third token on.
  batch[1].counts.assign(batch[1].ids.size(), true);
  batch[1].counts[1] = batch[1].counts[2] = false;
  // Before a step the adapter adds nothing: the loss is the model's own.
  const auto a = model.losses(context, batch[0].ids);
  const auto b = model.losses(context, batch[1].ids);
  double expected = 0;
  for (const float x : a) expected += x;
  for (std::size_t i = 2; i < b.size(); ++i) expected += b[i];
  const auto counted = static_cast<std::int64_t>(a.size() + b.size() - 2);
  StepResult r = trainer.step(batch);
  EXPECT_EQ(r.tokens, counted);
  EXPECT_NEAR(r.loss, expected / static_cast<double>(counted), 1e-5);
  EXPECT_GT(r.gradient_norm, 0.0);
  const double first = r.loss;
  for (int i = 0; i < 4; ++i) r = trainer.step(batch);
  EXPECT_EQ(trainer.steps(), 5);
  EXPECT_LT(r.loss, 0.9 * first);

  trainer.save_adapter(dir / "adapter");
  const Model again = Model::load(context, Checkpoint::open(quill()), {.adapter = dir / "adapter"});
  EXPECT_EQ(again.modules()[0].rank, 4);
  EXPECT_EQ(again.losses(context, batch[0].ids), model.losses(context, batch[0].ids));
  EXPECT_NE(error_of([&] { trainer.save_adapter(dir / "adapter"); }).find("empty directory"),
            std::string::npos);
}

TEST(ApiTrainer, RefusesWhatCannotBe) {
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(quill()));
  EXPECT_NE(error_of([&] { Trainer(context, model, {.learning_rate = 0}); }).find("learning_rate 0"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Trainer(context, model, {.rank = 300}); }).find("300"), std::string::npos);
  Trainer trainer(context, model, {.rank = 2});
  const auto refused = [&](TrainingSequence sequence) {
    return error_of([&] { trainer.step({&sequence, 1}); });
  };
  EXPECT_NE(refused({{}}).find("without a token"), std::string::npos);
  EXPECT_NE(refused({{5}}).find("no token"), std::string::npos);
  EXPECT_NE(refused({{5, 4096}}).find("4096"), std::string::npos);
  EXPECT_NE(refused({{5, 6}, {true}}).find("counts"), std::string::npos);
  EXPECT_NE(refused({{5, 6}, {true, false}}).find("no token"), std::string::npos);
  EXPECT_EQ(trainer.steps(), 0);
}

}  // namespace
}  // namespace lqlora
