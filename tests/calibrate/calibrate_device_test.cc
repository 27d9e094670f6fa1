// Calibration on another device than the processor: the same statistics but for rounding, the same bits
// again, and a run that goes on.
#include <cmath>

#include "backends/cuda/device.h"
#include "calibrate/calibration_plan.h"
#include "calibrate_fixture.h"
#include "formats/safetensors_reader.h"
#include "ops/device_memory.h"
#include "ops/op_driver.h"

namespace lq {
namespace {

using namespace calibrate_test;

class CalibrateDevices : public CalibrateTest {
 protected:
  CalibrateReport run_on(Device device, const CalibrateOptions& o, StopToken stop = {}) {
    ThreadPool pool(2);
    NoProgress progress;
    const auto queue = open_device_queue(device);
    Context ctx{pool, progress, 0, stop};
    ctx.device = device;
    ctx.queue = queue.get();
    return calibrate(ctx, o);
  }
  CalibrateOptions few(const std::string& out) const {
    CalibrateOptions o = options(out);
    o.samples = 12;
    o.full_fisher = true;
    return o;
  }
};

// Products in TF32 round each factor to 2^-11 of itself; a dozen of them follow one another.
TEST_F(CalibrateDevices, StatisticsAreTheProcessorsButForRounding) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const CalibrateReport here = calibrate(machine_.ctx, few("here"));
  const SafetensorsReader want(dir_ / "here");
  for (const Device device : devices) {
    const CalibrateReport there = run_on(device, few("there"));
    EXPECT_NEAR(there.mean_loss, here.mean_loss, 2e-3 * here.mean_loss);
    EXPECT_NE(there.job_hash, here.job_hash) << "other numbers are another job's";
    const SafetensorsReader have(dir_ / "there");
    ASSERT_EQ(have.tensors().size(), want.tensors().size());
    for (const TensorView& w : want.tensors()) {
      const TensorView* const h = have.find(w.name());
      ASSERT_NE(h, nullptr) << w.name();
      double difference = 0.0;
      double size = 0.0;
      const auto* const a = reinterpret_cast<const float*>(w.data);
      const auto* const b = reinterpret_cast<const float*>(h->data);
      for (std::int64_t i = 0; i < w.numel(); ++i) {
        difference += std::pow(double{a[i]} - double{b[i]}, 2);
        size += std::pow(double{a[i]}, 2);
      }
      EXPECT_LE(std::sqrt(difference), 2e-2 * std::sqrt(size)) << w.name();
    }
    EXPECT_TRUE(run_on(device, few("there")).already_done);
    run_on(device, few("again"));
    EXPECT_EQ(get_file(dir_ / "again"), get_file(dir_ / "there")) << "the same run gives other bits";
    CalibrateOptions apart = few("apart");
    apart.blocks_at_once = 1;
    run_on(device, apart);
    EXPECT_EQ(get_file(dir_ / "apart"), get_file(dir_ / "there")) << "one block at a time";
  }
}

TEST_F(CalibrateDevices, TheModelSamplesItsOwnText) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  CalibrateOptions o = few("self");
  o.data = {};
  o.self = 3;
  o.seq_len = 8;
  o.hold_out = 0.0;
  EXPECT_EQ(run_on(devices.front(), o).need.sequences, 3);
  EXPECT_TRUE(std::filesystem::exists(o.out));
}

// What the host keeps between segments is no part of the device's memory.
TEST_F(CalibrateDevices, APlanCountsTheDevicesMemoryApart) {
  Model model = Model::load(machine_.ctx, dir_ / "model");
  CalibrationWindows windows;
  windows.seq_len = 24;
  windows.ids.assign(24 * 10, 1);
  windows.held_out = 2;
  windows.numbers.resize(10);
  const Gather gather;
  const CalibrationPlan whole =
      plan_calibration(model, gather, windows, CalibrationBudget{1 << 30, 1 << 30}, 0);
  EXPECT_EQ(whole.blocks_at_once, 3);
  EXPECT_EQ(whole.boundary_bytes, 0);
  const CalibrationPlan one = plan_calibration(model, gather, windows, CalibrationBudget{0, 1 << 30}, 1);
  EXPECT_FALSE(one.boundaries_on_disk) << "a device that is full does not fill the disk";
  const CalibrationPlan tight =
      plan_calibration(model, gather, windows, CalibrationBudget{one.memory_bytes, 1 << 30}, 0);
  EXPECT_EQ(tight.blocks_at_once, 1);
  EXPECT_GT(tight.boundary_bytes, 0);
  const CalibrationPlan disk =
      plan_calibration(model, gather, windows, CalibrationBudget{one.memory_bytes, 0}, 0);
  EXPECT_TRUE(disk.boundaries_on_disk);
  EXPECT_EQ(disk.memory_bytes, tight.memory_bytes);
}

}  // namespace
}  // namespace lq
