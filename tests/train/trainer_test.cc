// The loop on a small random model: it learns, it goes on exactly, and it stops when asked.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "ops/host_math.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/thread_ranks.h"
#include "train/checkpoints.h"
#include "train/lora_setup.h"
#include "train/train_guard.h"

namespace lq {
namespace {

// Sequences in which each token says the next: id -> 3 id + 1 mod 97.
std::vector<EncodedExample> chains(int count, std::uint64_t seed) {
  std::vector<EncodedExample> all;
  for (int i = 0; i < count; ++i) {
    EncodedExample e;
    auto id = static_cast<std::int32_t>(Rng(seed).below(static_cast<std::uint64_t>(i), 97));
    for (int t = 0; t < 6 + i % 9; ++t) {
      e.ids.push_back(id);
      e.in_loss.push_back(1);
      id = (3 * id + 1) % 97;
    }
    all.push_back(std::move(e));
  }
  return all;
}

// Asks to stop after so many updates of the progress.
class StopAfter final : public Progress {
 public:
  StopAfter(std::atomic<bool>& stop, int updates) : stop_(stop), left_(updates) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {
    if (left_-- == 0) stop_ = true;
  }
  void end() override {}
  void note(std::string_view) override {}

 private:
  std::atomic<bool>& stop_;
  int left_;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    ThreadPool pool(1);
    reference::write_random_model(pool, {.bits = 4}, dir_ / "model");
    examples_.train = chains(64, 1);
    examples_.weights.assign(64, 1.0);
    examples_.validation = chains(16, 2);
    options_.lr = 2e-2;
    options_.batch.rows = 2;
    options_.batch.row_length = 32;
    options_.accumulate = 2;
    options_.max_steps = 30;
    options_.eval_every = 10;
    options_.save_every = 4;
  }

  struct Outcome {
    TrainResult result;
    std::vector<std::vector<float>> values;
    std::vector<double> losses;  // of the log, in order
  };

  std::vector<nlohmann::json> log(const std::filesystem::path& work) const {
    std::vector<nlohmann::json> lines;
    std::ifstream file(work / "log.jsonl");
    for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  // stop_after: steps of this call, -1: to the end (else Error is expected).
  Outcome run(const std::string& work, const TrainOptions& options, int threads = 2, int stop_after = -1,
              Collective* ranks = nullptr, const std::string& reference = "") {
    ThreadPool pool(threads);
    std::atomic<bool> stop{false};
    StopAfter progress(stop, stop_after);
    Context ctx{pool, progress, 3, stop_after >= 0 ? StopToken(&stop) : StopToken()};
    ctx.collective = ranks;
    Model model = Model::load(ctx, dir_ / "model");
    lora_setup(ctx, model, {.rank = 4});
    std::optional<Model> teacher;
    if (!reference.empty()) teacher = Model::load(ctx, dir_ / reference);
    const Model* const other = teacher ? &*teacher : nullptr;
    Outcome outcome;
    if (stop_after >= 0) {
      EXPECT_THROW(train(ctx, model, examples_, options, dir_ / work, other), Error);
      return outcome;
    }
    outcome.result = train(ctx, model, examples_, options, dir_ / work, other);
    for (const Parameter* p : model.trainable()) {
      outcome.values.emplace_back(p->values().begin(), p->values().end());
    }
    for (const auto& line : log(dir_ / work)) {
      outcome.losses.push_back(line.contains("loss") ? line["loss"] : line["validation_loss"]);
    }
    return outcome;
  }

  // The same run by so many ranks; one of them is asked to stop after some steps, where stop_after >= 0.
  std::vector<Outcome> run_ranks(int size, const std::string& work, const TrainOptions& options,
                                 int stop_after = -1) {
    std::vector<Outcome> outcomes(static_cast<std::size_t>(size));
    ThreadRanks ranks(size);
    ranks.run([&](Collective& c) {
      // All but one have a stop that never comes.
      const int own = stop_after < 0 ? -1 : c.rank() == size - 1 ? stop_after : 1'000'000;
      outcomes[static_cast<std::size_t>(c.rank())] = run(work, options, 1 + c.rank() % 2, own, &c);
    });
    return outcomes;
  }

  static void expect_same(const Outcome& a, const Outcome& b) {
    EXPECT_EQ(a.losses, b.losses);
    ASSERT_EQ(a.values.size(), b.values.size());
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      ASSERT_EQ(std::memcmp(a.values[i].data(), b.values[i].data(), a.values[i].size() * sizeof(float)), 0)
          << i;
    }
    EXPECT_EQ(a.result.state.loss, b.result.state.loss);
    EXPECT_EQ(a.result.state.best_step, b.result.state.best_step);
  }

  io_test::TempDir dir_;
  ExampleSet examples_;
  TrainOptions options_;
};

TEST_F(TrainerTest, Learns) {
  const Outcome o = run("work", options_);
  EXPECT_EQ(o.result.state.step, 30);
  EXPECT_FALSE(o.result.resumed);
  // A chance guess costs log 97 = 4.6 nats.
  EXPECT_LT(*o.result.state.validation_loss, 0.7 * *o.result.state.first_validation_loss);
  // 30 steps and validation before them, after 10, 20 and 30.
  EXPECT_EQ(o.losses.size(), 34u);
  EXPECT_EQ(o.result.state.evaluated, 30);
}

TEST_F(TrainerTest, SameBitsOnAnyNumberOfThreadsAndWithRecomputation) {
  options_.max_steps = 6;
  options_.dropout = 0.1;
  const Outcome one = run("one", options_, 1);
  expect_same(one, run("two", options_, 2));
  options_.activations = Keep::kBlocks;
  expect_same(one, run("seven", options_, 7));
}

TEST_F(TrainerTest, GoesOnExactlyWhereItWasStopped) {
  for (const bool eight_bit : {false, true}) {
    options_.adam.eight_bit = eight_bit;
    options_.dropout = eight_bit ? 0.2 : 0.0;
    const std::string name = eight_bit ? "8" : "32";
    const Outcome whole = run("whole" + name, options_);
    run("parts" + name, options_, 1, 1);
    run("parts" + name, options_, 7, 9);
    run("parts" + name, options_, 2, 10);
    const Outcome parts = run("parts" + name, options_, 1);
    EXPECT_TRUE(parts.result.resumed);
    expect_same(parts, whole);
  }
}

TEST_F(TrainerTest, LearnsWhatAReferenceSaysAndGoesOnExactly) {
  {
    ThreadPool pool(1);
    reference::write_random_model(pool, {}, dir_ / "dense");
  }
  const Outcome whole = run("whole", options_, 2, -1, nullptr, "dense");
  // The packed model was made of it, so only its rounding is between them, and less of that in the end.
  EXPECT_LT(*whole.result.state.first_validation_loss, 0.2);
  EXPECT_LT(*whole.result.state.validation_loss, 0.7 * *whole.result.state.first_validation_loss);
  for (const auto& line : log(dir_ / "whole")) EXPECT_FALSE(line.contains("perplexity"));
  run("parts", options_, 1, 9, nullptr, "dense");
  const Outcome parts = run("parts", options_, 7, -1, nullptr, "dense");
  EXPECT_TRUE(parts.result.resumed);
  expect_same(parts, whole);
}

TEST_F(TrainerTest, SeveralRanksHaveTheSameBitsAndGoOnWhereAnotherNumberStopped) {
  options_.accumulate = 5;
  options_.dropout = 0.1;
  options_.max_steps = 8;
  options_.eval_every = 3;
  options_.end_with_best = true;
  const Outcome one = run("one", options_);
  for (const int size : {2, 4}) {
    const std::string work = "ranks" + std::to_string(size);
    for (const Outcome& o : run_ranks(size, work, options_)) expect_same(o, one);
  }
  run_ranks(4, "parts", options_, 3);
  EXPECT_EQ(Checkpoints(dir_ / "parts", 2).steps().back(), 3);
  run_ranks(2, "parts", options_, 2);
  const Outcome parts = run("parts", options_);
  EXPECT_TRUE(parts.result.resumed);
  expect_same(parts, one);
}

// As after a SIGKILL: the log runs ahead of the last checkpoint, and its last line is half written.
TEST_F(TrainerTest, GoesOnFromAnOlderCheckpointAndADamagedOneIsPassedOver) {
  const Outcome whole = run("whole", options_);
  options_.keep = 100;
  run("killed", options_, 2, 22);
  const auto work = dir_ / "killed";
  const Checkpoints checkpoints(work, 100);
  const auto steps = checkpoints.steps();
  ASSERT_GE(steps.size(), 5u);
  {
    std::ofstream file(work / "log.jsonl", std::ios::app);
    file << R"({"step": 23, "lo)";
  }
  int removed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(work)) {
    const std::string name = entry.path().filename().string();
    if (name.find(fmt::format("step-{:010}", steps.back())) != std::string::npos) {
      std::filesystem::remove(entry.path());
      ++removed;
    }
    if (name.find(fmt::format("step-{:010}", steps[steps.size() - 2])) != std::string::npos) {
      std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 7);
      ++removed;
    }
  }
  ASSERT_EQ(removed, 2);
  const Outcome parts = run("killed", options_, 1);
  EXPECT_TRUE(parts.result.resumed);
  expect_same(parts, whole);
}

TEST_F(TrainerTest, DropoutIsOfTrainingOnly) {
  options_.max_steps = 1;
  options_.warmup = 0;
  const Outcome plain = run("plain", options_);
  options_.dropout = 0.5;
  const Outcome dropped = run("dropped", options_);
  // Validation before the first step, and the first loss, where B = 0, are the same; the step is not.
  EXPECT_EQ(dropped.losses[0], plain.losses[0]);
  EXPECT_EQ(dropped.losses[1], plain.losses[1]);
  EXPECT_NE(dropped.losses[2], plain.losses[2]);
}

TEST_F(TrainerTest, KeepsTheLastCheckpoints) {
  options_.max_steps = 17;
  run("work", options_);
  EXPECT_EQ(Checkpoints(dir_ / "work", 2).steps(), (std::vector<std::int64_t>{16, 17}));
}

TEST_F(TrainerTest, EndsEarlyWithTheBestWeights) {
  // Wild steps: validation gets worse.
  options_.lr = 1.0;
  options_.warmup = 0;
  options_.eval_every = 1;
  options_.early_stop = 2;
  options_.end_with_best = true;
  const Outcome o = run("work", options_);
  EXPECT_TRUE(o.result.stopped_early);
  EXPECT_EQ(o.result.state.step, o.result.state.best_step + 2);
  ASSERT_EQ(o.result.state.best_step, 0);
  // B = 0 at the start, which was the best.
  for (const float b : o.values[1]) ASSERT_EQ(b, 0.0F);
  // Run again, it is at its end.
  const Outcome again = run("work", options_);
  EXPECT_TRUE(again.result.stopped_early);
  expect_same(again, o);
}

TEST_F(TrainerTest, AccumulatedBatchesEqualOneLargeBatch) {
  options_.max_steps = 4;
  options_.batch.batching = Batching::kPlain;
  options_.batch.shuffle = false;
  const Outcome parts = run("parts", options_);
  options_.batch.rows = 4;
  options_.accumulate = 1;
  const Outcome whole = run("whole", options_);
  // Sums in another order; AdamW divides by roots of small numbers.
  for (std::size_t i = 0; i < whole.losses.size(); ++i) {
    EXPECT_NEAR(parts.losses[i], whole.losses[i], 1e-4 * whole.losses[i]);
  }
}

TEST_F(TrainerTest, ADivergingRunEndsWithAReport) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 3, {}};
  Model model = Model::load(ctx, dir_ / "model");
  lora_setup(ctx, model, {.rank = 4});
  model.trainable()[0]->value.mutable_data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  try {
    train(ctx, model, examples_, options_, dir_ / "work");
    FAIL() << "went on";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("weights of model.layers.0.self_attn.q_proj.lora_A.weight"),
              std::string::npos)
        << e.what();
  }
  EXPECT_EQ(log(dir_ / "work").size(), static_cast<std::size_t>(kBadStepsAllowed) + 1);
}

// It is told as it is, also by a run that goes on after the last validation.
TEST_F(TrainerTest, AValidationThatIsNoNumberIsKept) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 3, {}};
  Model model = Model::load(ctx, dir_ / "model");
  lora_setup(ctx, model, {.rank = 4});
  // A token of the validation examples alone.
  for (EncodedExample& e : examples_.train) std::ranges::replace(e.ids, 7, 6);
  examples_.validation[0].ids[0] = 7;
  Tensor& table = model.embedding().table().value;
  Tensor values = Tensor::empty(DType::kF32, table.shape());
  convert_to_f32(table.dtype(), table.raw(), 0, table.numel(), values.mutable_data<float>());
  values.mutable_data<float>()[7 * table.dim(1)] = std::numeric_limits<float>::quiet_NaN();
  table = std::move(values);
  options_.max_steps = 2;
  options_.end_with_best = true;
  for (int i = 0; i < 2; ++i) {
    const TrainResult r = train(ctx, model, examples_, options_, dir_ / "work");
    ASSERT_TRUE(r.state.validation_loss.has_value()) << i;
    EXPECT_TRUE(std::isnan(*r.state.validation_loss)) << i;
    EXPECT_FALSE(r.state.best_loss.has_value());
  }
}

// The one update gives values that no later step shows.
TEST_F(TrainerTest, ValuesThatAreNoNumbersAreNoResult) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 3, {}};
  Model model = Model::load(ctx, dir_ / "model");
  lora_setup(ctx, model, {.rank = 4});
  options_.max_steps = 1;
  options_.warmup = 0;
  options_.adam.eps = 1e-50;  // 0 in f32: what has no gradient becomes 0 / 0
  examples_.validation.clear();
  try {
    train(ctx, model, examples_, options_, dir_ / "work");
    FAIL() << "went on";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("no longer numbers after step 1"), std::string::npos) << e.what();
  }
}

TEST_F(TrainerTest, RefusesOptionsThatCannotBe) {
  const auto error_of = [&](const auto& change) {
    TrainOptions o = options_;
    change(o);
    try {
      check_train_options(o);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  const double nan = std::nan("");
  EXPECT_EQ(error_of([](TrainOptions&) {}), "none");
  EXPECT_EQ(error_of([](TrainOptions& o) { o.lr = 0; }).substr(0, 7), "lr is 0");
  EXPECT_EQ(error_of([&](TrainOptions& o) { o.lr = nan; }).substr(0, 9), "lr is nan");
  EXPECT_EQ(error_of([](TrainOptions& o) { o.lr = -1; }).substr(0, 8), "lr is -1");
  EXPECT_NE(error_of([&](TrainOptions& o) { o.clip = nan; }).find("clip"), std::string::npos);
  EXPECT_NE(error_of([](TrainOptions& o) { o.adam.beta1 = 1; }).find("beta1"), std::string::npos);
  EXPECT_NE(error_of([](TrainOptions& o) { o.weight_decay = -1; }).find("weight-decay"), std::string::npos);
  EXPECT_NE(error_of([](TrainOptions& o) { o.warmup = 1.5; }).find("warmup"), std::string::npos);
  EXPECT_NE(error_of([](TrainOptions& o) { o.max_steps = 0, o.epochs = 0; }).find("epochs"),
            std::string::npos);
}

}  // namespace
}  // namespace lq
