#include "lqlora/finetune.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <optional>

#include "api_fixture.h"
#include "train/lora_setup.h"
#include "train/write_adapter.h"

namespace lqlora {
namespace {

// An adapter of rank 2 that holds norms and the embedding whole, none of them as in the model.
void write_whole_adapter(const std::filesystem::path& directory) {
  lq::ThreadPool pool(1);
  lq::NoProgress progress;
  lq::Context context{pool, progress, 1, {}};
  lq::Model model = lq::Model::load(context, std::filesystem::path(quill()));
  lq::LoraOptions options;
  options.rank = 2;
  options.whole = {"norms", "embeddings"};
  const lq::LoraState state = lq::lora_setup(context, model, options);
  for (lq::Parameter* p : state.whole) {
    float* const values = p->value.mutable_data<float>();
    for (std::int64_t i = 0; i < p->value.numel(); ++i) values[i] *= 1.0625F;
  }
  std::filesystem::create_directories(directory);
  lq::write_adapter(context, model, state, 0.0, model.base_hash(context), "", directory);
}

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

TEST(ApiTrainer, KeepsAndTrainsWhatTheAdapterHoldsWhole) {
  const lq::io_test::TempDir dir;
  write_whole_adapter(dir / "start");
  Context context({.threads = 1});
  const Checkpoint checkpoint = Checkpoint::open(quill());
  Model model = Model::load(context, checkpoint, {.adapter = dir / "start"});
  const TrainingSequence sequence = {Tokenizer::load(quill()).encode("The moon is made of tin.")};
  const auto before = model.losses(context, sequence.ids);
  EXPECT_NE(before, Model::load(context, checkpoint).losses(context, sequence.ids));
  Trainer trainer(context, model);
  const auto saved = [&](const char* name) {
    trainer.save_adapter(dir / name);
    return Model::load(context, checkpoint, {.adapter = dir / name}).losses(context, sequence.ids);
  };
  EXPECT_EQ(saved("unchanged"), before);
  trainer.step({&sequence, 1});
  const auto after = model.losses(context, sequence.ids);
  EXPECT_NE(after, before);
  EXPECT_EQ(saved("trained"), after);
}

TEST(ApiTrainer, RefusesWhatCannotBe) {
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(quill()));
  EXPECT_NE(error_of([&] { Trainer(context, model, {.learning_rate = 0}); }).find("learning_rate 0"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Trainer(context, model, {.rank = 300}); }).find("300"), std::string::npos);
  for (const double alpha : {-1.0, std::nan(""), 1e300, 1e-300, static_cast<double>(INFINITY)}) {
    EXPECT_NE(error_of([&] { Trainer(context, model, {.rank = 2, .alpha = alpha}); }).find("alpha is"),
              std::string::npos)
        << alpha;
  }
  for (const ModuleInfo& module : model.modules()) EXPECT_EQ(module.rank, 0) << module.name;
  Trainer trainer(context, model, {.rank = 2});
  const auto refused = [&](TrainingSequence sequence) {
    return error_of([&] { trainer.step({&sequence, 1}); });
  };
  EXPECT_NE(refused({{}}).find("without a token"), std::string::npos);
  EXPECT_NE(refused({{5}}).find("no token"), std::string::npos);
  EXPECT_NE(refused({std::vector<std::int32_t>(1025, 5)}).find("1025 tokens exceed"), std::string::npos);
  EXPECT_NE(refused({{5, 4096}}).find("4096"), std::string::npos);
  EXPECT_NE(refused({{5, 6}, {true}}).find("counts"), std::string::npos);
  EXPECT_NE(refused({{5, 6}, {true, false}}).find("no token"), std::string::npos);
  EXPECT_EQ(trainer.steps(), 0);
}

// Each has its own gradients and moments; what learns is the model's.
TEST(ApiTrainer, SeveralTakeTurns) {
  const TrainingSequence sequence = {Tokenizer::load(quill()).encode("The moon is made of tin.")};
  const auto norms = [&](bool another) {
    Context context({.threads = 1});
    Model model = Model::load(context, Checkpoint::open(quill()));
    Trainer trainer(context, model, {.rank = 2, .learning_rate = 1e-3});
    std::vector<double> all = {trainer.step({&sequence, 1}).gradient_norm};
    std::optional<Trainer> second;
    if (another) second.emplace(context, model, TrainerOptions{.rank = 2});
    for (int i = 0; i < 3; ++i) all.push_back(trainer.step({&sequence, 1}).gradient_norm);
    return all;
  };
  EXPECT_EQ(norms(true), norms(false));
}

TEST(ApiTrainer, ContextAndModelMayBeMoved) {
  const TrainingSequence sequence = {Tokenizer::load(quill()).encode("The moon is made of tin.")};
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(quill()));
  Trainer trainer(context, model, {.rank = 2, .learning_rate = 1e-2});
  const double first = trainer.step({&sequence, 1}).loss;
  Context moved = std::move(context);
  const Model elsewhere = std::move(model);
  EXPECT_LT(trainer.step({&sequence, 1}).loss, first);
  const lq::io_test::TempDir dir;
  trainer.save_adapter(dir / "adapter");
  EXPECT_EQ(
      Model::load(moved, Checkpoint::open(quill()), {.adapter = dir / "adapter"}).losses(moved, sequence.ids),
      elsewhere.losses(moved, sequence.ids));
}

TEST(ApiTrainer, ValuesThatAreNoNumbersAreNotSaved) {
  const lq::io_test::TempDir dir;
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(quill()));
  Trainer trainer(context, model, {.rank = 2, .learning_rate = 1e39});  // infinite in f32
  const TrainingSequence sequence = {Tokenizer::load(quill()).encode("The moon is made of tin.")};
  trainer.step({&sequence, 1});
  const auto error = error_of([&] { trainer.save_adapter(dir / "adapter"); });
  EXPECT_NE(error.find("no longer numbers after step 1"), std::string::npos) << error;
  EXPECT_FALSE(std::filesystem::exists(dir / "adapter"));
}

TEST(ApiTrainer, AnEncoderIsNotTrained) {
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(masked_model()));
  EXPECT_NE(error_of([&] { Trainer(context, model, {.rank = 2}); }).find("an encoder"), std::string::npos);
}

TEST(ApiTrainer, ADirectoryThatMayNotBeLookedIntoIsAnError) {
  const lq::io_test::TempDir dir;
  Context context({.threads = 1});
  Model model = Model::load(context, Checkpoint::open(quill()));
  const Trainer trainer(context, model, {.rank = 2});
  std::filesystem::create_directory(dir / "closed");
  ::chmod(dir.path().c_str(), 0755);
  ::chmod((dir / "closed").c_str(), 0);
  EXPECT_TRUE(lq::io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return lq::io_test::throws(ErrorCode::kIo, {"closed", "Permission denied"},
                               [&] { trainer.save_adapter(dir / "closed"); });
  }));
  ::chmod((dir / "closed").c_str(), 0755);
}

}  // namespace
}  // namespace lqlora
