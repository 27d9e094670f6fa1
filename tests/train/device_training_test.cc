// Training on another device than the processor: 50 losses of both, the same bits again, a run that goes on,
// and steps as graphs.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "backends/cuda/repeat.h"
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

// All of 32 tokens, so that two fill a row of 64 and the steps' shapes are one; but the last of 20, at which
// every epoch has another.
ExampleSet even_examples() {
  ExampleSet set = chain_examples();
  for (std::size_t i = 0; i < set.train.size(); ++i) {
    EncodedExample& e = set.train[i];
    while (e.ids.size() < 32) e.ids.push_back((3 * e.ids.back() + 1) % 97);
    e.ids.resize(i + 1 < set.train.size() ? 32 : 20);
    e.in_loss.assign(e.ids.size(), 1);
  }
  return set;
}

// Asks to stop after some step.
class StopAfter final : public Progress {
 public:
  explicit StopAfter(std::int64_t step) : step_(step) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t done, std::string_view) override { asked_ = asked_ || done == step_; }
  void end() override {}
  void note(std::string_view) override {}
  const std::atomic<bool>* asked() const { return &asked_; }

 private:
  std::int64_t step_;
  std::atomic<bool> asked_{false};
};

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

  // Losses of each step; values_ and counts_ are what it ends with. stop_after: a step; -1: none.
  std::vector<double> run(Device device, const TrainOptions& options, const std::string& work,
                          std::int64_t stop_after = -1) {
    ThreadPool pool(2);
    StopAfter progress(stop_after);
    const auto queue = open_device_queue(device);
    Context ctx{pool, progress, 3, {}};
    ctx.stop = StopToken(progress.asked());
    ctx.device = device;
    ctx.queue = queue.get();
    Model model = Model::load(ctx, dir_ / "model");
    lora_setup(ctx, model, {.rank = rank_});
    move_model(ctx, model, {.recomputes = options.activations == Keep::kBlocks});
    try {
      train(ctx, model, examples_, options, dir_ / work);
    } catch (const Error& e) {
      if (stop_after < 0 || e.code() != ErrorCode::kInterrupted) throw;
    }
    if (queue != nullptr) counts_ = backends::cuda::repeat_counts(*queue);
    ctx.stop = {};
    model.adapters_to_host(ctx);
    values_.clear();
    for (const Parameter* p : model.trainable()) {
      EXPECT_TRUE(p->value.device().is_cpu());
      const ConstVector v = p->values();
      values_.insert(values_.end(), v.begin(), v.end());
    }
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

  std::vector<double> run_without_graphs(Device device, const TrainOptions& options,
                                         const std::string& work) {
    setenv("LQ_CUDA_GRAPHS", "0", 1);
    const auto losses = run(device, options, work);
    unsetenv("LQ_CUDA_GRAPHS");
    EXPECT_EQ(counts_.captured + counts_.replayed, 0);
    return losses;
  }

  io_test::TempDir dir_;
  std::int64_t rank_ = 8;
  std::vector<float> values_;
  backends::cuda::RepeatCounts counts_;
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

// Learning rates, dropout's masks, ids and targets are other ones in every step: a graph that kept those of
// its capture would give other losses.
TEST_F(DeviceTraining, GraphsGiveTheBitsOfLaunchesOneByOne) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  examples_ = even_examples();
  options_.max_steps = 8;
  rank_ = 32;  // large enough for 8-bit moments
  TrainOptions whole = options_;
  whole.precision = MatmulPrecision::kBf16;
  whole.activations = Keep::kBlocks;
  whole.adam.eight_bit = true;
  whole.accumulate = 2;  // gradients lie in two buffers by turns
  TrainOptions plain = options_;
  plain.accumulate = 1;
  for (const Device device : devices) {
    int number = 0;
    for (const TrainOptions& o : {whole, plain}) {
      const std::string name = "graphs-" + std::to_string(number++);
      const auto want = run_without_graphs(device, o, name + "-off");
      const std::vector<float> values = values_;
      EXPECT_EQ(want.size(), 8U);
      EXPECT_EQ(run(device, o, name), want);
      EXPECT_EQ(values_, values);
      EXPECT_EQ(counts_.abandoned, 0);
      EXPECT_GT(counts_.replayed, counts_.plain);

      if (number > 1) continue;
      run(device, o, name + "-resumed", 4);
      EXPECT_GT(counts_.replayed, 0);
      EXPECT_EQ(run(device, o, name + "-resumed"), want);
      EXPECT_EQ(values_, values) << "going on gives other bits";
    }
  }
}

// Moments with the host: the processor's AdamW has the device's bits. A checkpoint of one goes on as the
// other.
TEST_F(DeviceTraining, MomentsOnTheHostGiveTheSameBits) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  options_.max_steps = 6;
  rank_ = 32;  // large enough for 8-bit moments
  for (const Device device : devices) {
    for (const bool eight_bit : {false, true}) {
      SCOPED_TRACE(eight_bit);
      TrainOptions there = options_;
      there.adam.eight_bit = eight_bit;
      TrainOptions with_host = there;
      with_host.adam.offload = true;
      const std::string name = eight_bit ? "offload-8" : "offload-32";
      const auto want = run(device, there, name + "-off");
      const std::vector<float> values = values_;
      EXPECT_EQ(run(device, with_host, name), want);
      EXPECT_EQ(values_, values);
      run(device, with_host, name + "-changed", 3);
      EXPECT_EQ(run(device, there, name + "-changed"), want);
      EXPECT_EQ(values_, values) << "going on gives other bits";
    }
  }
}

// Each batch has a shape of its own: nothing repeats but the optimizer.
TEST_F(DeviceTraining, ShapesThatNeverRepeatAreLaunchedOneByOne) {
  const std::vector<Device> devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  options_.max_steps = 6;
  for (const Device device : devices) {
    const auto want = run_without_graphs(device, options_, "ragged-off");
    const std::vector<float> values = values_;
    EXPECT_EQ(run(device, options_, "ragged"), want);
    EXPECT_EQ(values_, values);
    EXPECT_GE(counts_.plain, 12);
    EXPECT_EQ(counts_.abandoned, 0);
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
      setenv("LQ_CUDA_FOLD", "0", 1);
      const auto apart = run(device, rounded, named("apart"));
      unsetenv("LQ_CUDA_FOLD");
      EXPECT_LT(farthest(apart, folded), 0.05);
      EXPECT_NE(apart, folded);
    }
  }
}

}  // namespace
}  // namespace lq
