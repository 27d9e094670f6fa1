// Stages of a job are handed the model that the job was given: nothing opens or hashes it a second time.
#include <gtest/gtest.h>

#include "calibrate/calibrate_fixture.h"
#include "jobs/quantize_model.h"
#include "jobs/sweep_job.h"

namespace lq {
namespace {

using namespace calibrate_test;

class OneCheckpointTest : public CalibrateTest {
 protected:
  // A budget over statistics of a text: calibrate, sweep, allocate and decompose.
  QuantizeOptions quantize_options(const std::string& out) const {
    QuantizeOptions o;
    o.model = dir_ / "model";
    o.out = dir_ / out;
    o.importance = ImportanceKind::kKfac;
    o.calibration.data = dir_ / "text.txt";
    o.calibration.samples = 20;
    o.calibration.seq_len = 24;
    o.budget.bits = 3.2;
    o.budget.configs = {FormatSet().uniform(2), FormatSet().uniform(4)};
    o.decompose.rank = 2;
    return o;
  }
};

TEST_F(OneCheckpointTest, ACalibratedQuantize) {
  quantize_model(machine_.ctx, quantize_options("want"));
  const CheckpointPtr model = Checkpoint::open(dir_ / "model");
  // Whoever opens the weights by their path again finds nothing.
  std::filesystem::remove(dir_ / "model/model.safetensors");
  quantize_model(machine_.ctx, model, quantize_options("have"));
  EXPECT_EQ(model->times_hashed(), 1);
  for (const char* file : {"model.safetensors", "config.json", "adapter/adapter_model.safetensors"})
    EXPECT_EQ(get_file(dir_ / "have" / file), get_file(dir_ / "want" / file)) << file;
}

TEST_F(OneCheckpointTest, OwnSamplesAreThoseOfCalibrate) {
  QuantizeOptions o = quantize_options("have");
  o.calibration.data.clear();
  o.calibration.self = 20;
  quantize_model(machine_.ctx, o);
  EXPECT_TRUE(quantize_model(machine_.ctx, o).already_done);
  QuantizeOptions more = o;
  more.calibration.self = 21;
  io_test::expect_error(ErrorCode::kInvalidArgument, {"have", "self"},
                        [&] { quantize_model(machine_.ctx, more); });
  Context other{machine_.pool, machine_.progress, 1, {}};
  io_test::expect_error(ErrorCode::kInvalidArgument, {"have", "seed"}, [&] { quantize_model(other, o); });

  CalibrateOptions c = options();
  c.data.clear();
  c.self = 20;
  calibrate(machine_.ctx, c);
  QuantizeOptions by_stats = quantize_options("want");
  by_stats.calibration = {};
  by_stats.calibration.stats = c.out;
  quantize_model(machine_.ctx, by_stats);
  // Held-out sequences are calibrate's alone: without them the sums are others, the method the same.
  EXPECT_NE(get_file(dir_ / "have/model.safetensors"), get_file(dir_ / "want/model.safetensors"));
  c.hold_out = 0.0;
  calibrate(machine_.ctx, c);
  by_stats.out = dir_ / "want0";
  quantize_model(machine_.ctx, by_stats);
  EXPECT_EQ(get_file(dir_ / "have/model.safetensors"), get_file(dir_ / "want0/model.safetensors"));
}

TEST_F(OneCheckpointTest, ACalibratedSweep) {
  const QuantizeOptions q = quantize_options("none");
  SweepJobOptions o;
  o.out = dir_ / "table.json";
  o.plan.importance = q.importance;
  o.plan.calibration = q.calibration;
  o.plan.budget.configs = q.budget.configs;
  o.plan.decompose.rank = 2;
  o.check_cells = 2;
  const CheckpointPtr model = Checkpoint::open(dir_ / "model");
  std::filesystem::remove(dir_ / "model/model.safetensors");
  EXPECT_EQ(sweep_job(machine_.ctx, model, o).matrices, 21);
  EXPECT_EQ(model->times_hashed(), 1);
}

}  // namespace
}  // namespace lq
