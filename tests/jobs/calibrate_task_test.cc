// Statistics of an encoder: by hidden tokens and by a task's loss, against gradients of single examples.
#include "jobs/calibrate_task.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "calibrate/calibration_stats.h"
#include "jobs/finetune_task.h"
#include "jobs/tiny_encoder.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using io_test::expect_error;

class CalibrateTaskTest : public testing::Test {
 protected:
  CalibrateTaskTest() {
    options_.model = tiny::put_encoder(dir_ / "model", "bert_masked");
    tiny::put_sst2(dir_ / "glue/SST-2");
    options_.data = {dir_ / "glue"};
    options_.task = "sst2";
    options_.out = dir_ / "stats.safetensors";
    options_.samples = 12;
  }
  io_test::TempDir dir_;
  CalibrateOptions options_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
};

TEST_F(CalibrateTaskTest, FisherIsTheMeanSquareOfEachExamplesGradient) {
  const CalibrateReport report = calibrate_any(ctx_, options_);
  EXPECT_EQ(report.need.sequences, 10);  // an eighth of twelve is held out
  EXPECT_EQ(report.tokens, 10);          // a label each
  const CalibrationStats stats = CalibrationStats::open(options_.out);
  const std::string module = "bert.encoder.layer.1.intermediate.dense";

  const CheckpointPtr checkpoint = Checkpoint::open(options_.model);
  FinetuneOptions task;
  task.task = "sst2";
  task.data.train = {{dir_ / "glue"}};
  const TaskData data = read_task_data(ctx_, checkpoint, task);
  const TaskSequences sequences{data.labelled.labels, data.labelled.examples.train};
  const CalibrationWindows w = task_windows(sequences, 12, options_.hold_out);
  Model model = Model::load(ctx_, checkpoint, {.labels = sequences.labels});
  Parameter& weight = *model.find_parameter(module + ".weight");
  weight.make_trainable();
  const std::int64_t rows = weight.value.dim(0), cols = weight.value.dim(1);
  std::vector<double> want(static_cast<std::size_t>(rows), 0.0);
  double loss_sum = 0.0;
  Workspace ws;
  ModelTape tape;
  for (std::int64_t i = 0; i < w.summed(); ++i) {
    weight.zero_grad();
    const std::vector<std::int64_t> starts = {0, w.tokens(i, 1)};
    const auto types = std::span(w.types).subspan(static_cast<std::size_t>(w.start(i)), w.window(i).size());
    const float label = w.labels[static_cast<std::size_t>(i)];
    float loss = 0.0F;
    model.label_losses_backward(ctx_, ws, tape, {w.window(i), starts, types}, {&label, 1}, 1.0F, {&loss, 1});
    loss_sum += loss;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < cols; ++c) {
        const double g = weight.grads()[static_cast<std::size_t>(r * cols + c)];
        want[static_cast<std::size_t>(r)] += g * g / static_cast<double>(cols * w.summed());
      }
    }
  }
  EXPECT_LT(reference::relative_difference(stats.fisher_rows(module), want), 1e-4);
  EXPECT_NEAR(report.mean_loss, loss_sum / 10.0, 1e-5);
  EXPECT_TRUE(calibrate_any(ctx_, options_).already_done);
}

TEST_F(CalibrateTaskTest, AnEncoderHasNoSamplesOfItsOwn) {
  CalibrateOptions o = options_;
  o.task.clear();
  o.data.clear();
  o.self = 4;
  expect_error(ErrorCode::kUnsupported, {o.model.string(), "an encoder", "sample a text to calibrate on"},
               [&] { calibrate_any(ctx_, o); });
  o.task = "sst2";
  expect_error(ErrorCode::kInvalidArgument, {"self excludes `task`"}, [&] { calibrate(ctx_, o); });
}

TEST_F(CalibrateTaskTest, TheSameBytesInAnyMemoryAndOnAnyThreads) {
  const auto bytes = [&](const char* name, std::int64_t blocks, int threads) {
    ThreadPool pool(threads);
    Context ctx{pool, progress_, 3, {}};
    CalibrateOptions o = options_;
    o.out = dir_ / name;
    o.blocks_at_once = blocks;
    calibrate_any(ctx, o);
    return io_test::get_file(o.out);
  };
  const std::string one = bytes("a", 1, 1);
  EXPECT_TRUE(one == bytes("b", 2, 7));
}

TEST_F(CalibrateTaskTest, HiddenTokensWhereThereIsAHeadForThem) {
  options_.task.clear();
  std::string text;
  for (int i = 0; i < 200; ++i) text += "the film was good and the book is poor ";
  io_test::put_file(dir_ / "text.txt", text);
  options_.data = {dir_ / "text.txt"};
  options_.seq_len = 20;
  const CalibrateReport report = calibrate_any(ctx_, options_);
  // 15 in 100 of 18 tokens in each of 10 windows.
  EXPECT_GT(report.tokens, 10);
  EXPECT_LT(report.tokens, 50);
  EXPECT_GT(report.mean_loss, 1.0);
  EXPECT_TRUE(
      CalibrationStats::open(options_.out).has_input_moment("bert.encoder.layer.0.attention.self.query"));
  Context other = ctx_;
  other.seed = 4;
  EXPECT_NE(calibrate_any(other, options_).job_hash, report.job_hash);

  options_.model = tiny::put_encoder(dir_ / "bare", "bert_bare");
  expect_error(ErrorCode::kUnsupported, {"bare", "no head for masked tokens", "name a `task`"},
               [&] { calibrate_any(ctx_, options_); });
}

TEST_F(CalibrateTaskTest, LossAndTaskHaveToFit) {
  options_.loss_of_task = false;
  expect_error(ErrorCode::kInvalidArgument, {"loss", "text", "`task` names one"},
               [&] { calibrate_any(ctx_, options_); });
  options_.loss_of_task = true;
  options_.task.clear();
  expect_error(ErrorCode::kInvalidArgument, {"loss", "`task` names none"},
               [&] { calibrate_any(ctx_, options_); });
}

}  // namespace
}  // namespace lq
