#include "train/checkpoints.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "base/error.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "train/lora_setup.h"
#include "train/trainer.h"

namespace lq {
namespace {

// One parameter of 300 equal values.
struct OneParameter {
  static Parameter make() {
    Parameter p;
    p.name = "p";
    p.value = Tensor::zeros(DType::kF32, {300});
    p.make_trainable();
    return p;
  }
  void set(float value) {
    for (std::int64_t i = 0; i < 300; ++i) parameter.value.mutable_data<float>()[i] = value;
  }
  float value() const { return parameter.value.data<float>()[299]; }
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter parameter = make();
  std::vector<Parameter*> all = {&parameter};
  AdamW optimizer{{{.parameter = &parameter}}, {}};
};

TrainState at_step(std::int64_t step) {
  TrainState state;
  state.step = step;
  state.loss = 0.25 * static_cast<double>(step);
  return state;
}

TEST(Checkpoints, TheNewestComesBackAndOldOnesGo) {
  const io_test::TempDir dir;
  OneParameter model;
  const Checkpoints checkpoints(dir.path(), 2);
  EXPECT_FALSE(checkpoints.restore(model.ctx, model.all, model.optimizer).has_value());
  for (std::int64_t step : {3, 6, 9}) {
    model.set(static_cast<float>(step));
    checkpoints.save(model.ctx, at_step(step), model.all, model.optimizer);
  }
  EXPECT_EQ(checkpoints.steps(), (std::vector<std::int64_t>{6, 9}));
  model.set(-1.0F);
  const auto state = checkpoints.restore(model.ctx, model.all, model.optimizer);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->step, 9);
  EXPECT_EQ(state->loss, 2.25);
  EXPECT_EQ(model.value(), 9.0F);
}

TEST(Checkpoints, TheBestIsKeptBesidesTheLast) {
  const io_test::TempDir dir;
  OneParameter model;
  const Checkpoints checkpoints(dir.path(), 1);
  EXPECT_FALSE(checkpoints.restore_best(model.ctx, model.all));
  model.set(5.0F);
  checkpoints.save_best(model.ctx, 5, model.all);
  for (std::int64_t step : {6, 7}) checkpoints.save(model.ctx, at_step(step), model.all, model.optimizer);
  EXPECT_EQ(checkpoints.steps(), (std::vector<std::int64_t>{7}));
  model.set(0.0F);
  EXPECT_TRUE(checkpoints.restore_best(model.ctx, model.all));
  EXPECT_EQ(model.value(), 5.0F);
}

TEST(Checkpoints, OneOfAnotherModelIsRefused) {
  const io_test::TempDir dir;
  OneParameter model;
  const Checkpoints checkpoints(dir.path(), 1);
  checkpoints.save(model.ctx, at_step(1), model.all, model.optimizer);
  Parameter other;
  other.name = "p";
  other.value = Tensor::zeros(DType::kF32, {301});
  other.make_trainable();
  AdamW optimizer({{.parameter = &other}}, {});
  EXPECT_THROW(checkpoints.restore(model.ctx, {&other}, optimizer), Error);
}

// A run whose disk is full when a checkpoint is due: it stops with one line, the checkpoint before is whole,
// and with room again the run ends as one that was never stopped.
TEST(Checkpoints, AFullDiskLosesNothing) {
  const io_test::TempDir dir;
  {
    ThreadPool pool(1);
    reference::write_random_model(pool, {.bits = 4}, dir / "model");
  }
  ExampleSet examples;
  for (std::int32_t i = 0; i < 16; ++i) {
    examples.train.push_back({.ids = {i, i + 1, i + 2, i + 3}, .in_loss = {1, 1, 1, 1}});
    examples.weights.push_back(1.0);
  }
  TrainOptions options;
  options.batch.rows = 2;
  options.batch.row_length = 16;
  options.save_every = 4;
  // The schedule depends on the number of steps, so a run is cut by the disk and not by that number.
  options.max_steps = 12;
  const auto run = [&](const std::string& work) {
    ThreadPool pool(2);
    NoProgress progress;
    Context ctx{pool, progress, 3, {}};
    Model model = Model::load(ctx, dir / "model");
    lora_setup(ctx, model, {.rank = 4});
    std::filesystem::create_directories(dir / work);
    train(ctx, model, examples, options, dir / work);
    std::vector<std::vector<float>> values;
    for (const Parameter* p : model.trainable()) values.emplace_back(p->values().begin(), p->values().end());
    return values;
  };
  const auto whole = run("whole");
  // Files of the run up to a checkpoint after step 4, as if killed there.
  std::uintmax_t checkpoint_bytes = 0;
  EXPECT_TRUE(io_test::in_child([&] {
    options.keep = 10;
    run("cut");
    for (const auto& entry : std::filesystem::directory_iterator(dir / "cut")) {
      const std::string name = entry.path().filename().string();
      if (name.find("step-0000000008") != std::string::npos ||
          name.find("step-0000000012") != std::string::npos) {
        std::filesystem::remove(entry.path());
      }
    }
    return true;
  }));
  for (const auto& entry : std::filesystem::directory_iterator(dir / "cut")) {
    if (entry.path().filename().string().find("step-") != std::string::npos) {
      checkpoint_bytes = std::max(checkpoint_bytes, entry.file_size());
    }
  }
  ASSERT_GT(checkpoint_bytes, 20000U);
  ASSERT_EQ(Checkpoints(dir / "cut", 2).steps(), (std::vector<std::int64_t>{4}));

  EXPECT_TRUE(io_test::in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{checkpoint_bytes / 2, checkpoint_bytes / 2};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"step-0000000008", "File too large"}, [&] { run("cut"); });
  }));
  EXPECT_EQ(Checkpoints(dir / "cut", 2).steps(), (std::vector<std::int64_t>{4}));

  const auto resumed = run("cut");
  ASSERT_EQ(resumed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ASSERT_EQ(std::memcmp(whole[i].data(), resumed[i].data(), whole[i].size() * sizeof(float)), 0) << i;
  }
}

}  // namespace
}  // namespace lq
