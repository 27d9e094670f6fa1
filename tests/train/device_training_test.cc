// Training on another device than the processor: 50 losses of both, the same bits again, and a run that goes
// on.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/placement.h"
#include "ops/device_memory.h"
#include "ops/op_driver.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "train/lora_setup.h"
#include "train/trainer.h"

namespace lq {
namespace {

ExampleSet chain_examples() {
  ExampleSet set;
  for (int i = 0; i < 64; ++i) {
    EncodedExample e;
    auto id = static_cast<std::int32_t>(Rng(1).below(static_cast<std::uint64_t>(i), 97));
    for (int t = 0; t < 20 + i % 9; ++t) {
      e.ids.push_back(id);
      e.in_loss.push_back(1);
      id = (3 * id + 1) % 97;
    }
    set.train.push_back(std::move(e));
  }
  set.weights.assign(64, 1.0);
  return set;
}

class DeviceTraining : public testing::Test {
 protected:
  DeviceTraining() {
    ThreadPool pool(1);
    reference::write_random_model(pool, {.hidden = 128, .intermediate = 192, .bits = 4}, dir_ / "model");
    options_.lr = 5e-3;
    options_.dropout = 0.1;
    options_.batch.rows = 2;
    options_.batch.row_length = 64;
    options_.accumulate = 2;
    options_.max_steps = 50;
  }

  // Losses of each step.
  std::vector<double> run(Device device, const TrainOptions& options, const std::string& work) {
    ThreadPool pool(2);
    NoProgress progress;
    const auto queue = open_device_queue(device);
    Context ctx{pool, progress, 3, {}};
    ctx.device = device;
    ctx.queue = queue.get();
    Model model = Model::load(ctx, dir_ / "model");
    lora_setup(ctx, model, {.rank = 8});
    move_model(ctx, model, {.recomputes = options.activations == Keep::kBlocks});
    train(ctx, model, examples_, options, dir_ / work);
    model.adapters_to_host(ctx);
    for (const Parameter* p : model.trainable()) EXPECT_TRUE(p->value.device().is_cpu());
    std::vector<double> losses;
    std::ifstream file(dir_ / work / "log.jsonl");
    for (std::string line; std::getline(file, line);) {
      const auto record = nlohmann::json::parse(line);
      if (record.contains("loss")) losses.push_back(record["loss"]);
    }
    return losses;
  }

  static double farthest(const std::vector<double>& a, const std::vector<double>& b) {
    double most = a.size() == b.size() ? 0.0 : INFINITY;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      most = std::max(most, std::abs(a[i] - b[i]));
    return most;
  }

  io_test::TempDir dir_;
  ExampleSet examples_ = chain_examples();
  TrainOptions options_;
};

TEST_F(DeviceTraining, MovingAModelOnTheProcessorChangesNothing) {
  options_.max_steps = 3;
  const auto losses = run({}, options_, "cpu");
  EXPECT_EQ(losses.size(), 3U);
  EXPECT_EQ(run({}, options_, "again"), losses);
}

TEST_F(DeviceTraining, FiftyLossesAgreeWithTheProcessors) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const auto want = run({}, options_, "cpu");
  EXPECT_LT(want.back(), 0.8 * want.front());  // it learns something
  for (const Device device : devices) {
    EXPECT_LT(farthest(run(device, options_, "f32"), want), 2e-3);
    TrainOptions rounded = options_;
    rounded.precision = MatmulPrecision::kBf16;
    const auto bf16 = run(device, rounded, "bf16");
    // A product in bf16 is off by 2^-8 of its factors; fifty steps carry that on.
    EXPECT_LT(farthest(bf16, want), 0.15);
    EXPECT_EQ(run(device, rounded, "bf16-again"), bf16) << "the same run gives other bits";
    rounded.activations = Keep::kBlocks;
    EXPECT_EQ(run(device, rounded, "bf16-recomputed"), bf16) << "recomputing gives other bits";
    TrainOptions eight = rounded;
    eight.adam.eight_bit = true;
    EXPECT_LT(farthest(run(device, eight, "adamw8bit"), want), 0.3);
  }
}

// Without dropout the low-rank parts fold in backward too.
TEST_F(DeviceTraining, FoldedProductsLearnTheSame) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  options_.max_steps = 5;
  for (const double dropout : {0.0, 0.1}) {
    options_.dropout = dropout;
    const auto named = [&](const char* name) { return fmt::format("{}-{}", name, dropout); };
    const auto want = run({}, options_, named("cpu"));
    TrainOptions rounded = options_;
    rounded.precision = MatmulPrecision::kBf16;
    TrainOptions recomputed = rounded;
    recomputed.activations = Keep::kBlocks;
    for (const Device device : devices) {
      const auto folded = run(device, rounded, named("folded"));
      EXPECT_LT(farthest(folded, want), 0.05);  // less than of fifty steps, 0.15
      EXPECT_EQ(run(device, recomputed, named("recomputed")), folded) << "recomputing gives other bits";
      ::setenv("LQ_CUDA_FOLD", "0", 1);
      const auto apart = run(device, rounded, named("apart"));
      ::unsetenv("LQ_CUDA_FOLD");
      EXPECT_LT(farthest(apart, folded), 0.05);
      EXPECT_NE(apart, folded);
    }
  }
}

}  // namespace
}  // namespace lq
