#include "jobs/decompose_device.h"

#include <gtest/gtest.h>

#include "backends/cuda/device.h"
#include "base/error.h"
#include "jobs/quantize_model.h"
#include "jobs/sweep_job.h"
#include "jobs/tiny_model.h"
#include "ops/device_memory.h"
#include "support/io_test_util.h"
#include "support/notes.h"

namespace lq {
namespace {

using io_test::TempDir;
using test::Notes;

DecomposeWork work_of(std::int64_t rows, std::int64_t cols, std::int64_t rank) {
  DecomposeWork work;
  work.matrices = {{rows, cols, rank}};
  work.oversampling = 10;
  return work;
}

class DecomposeDevice : public testing::Test {
 protected:
  DecomposeDevice() {
    there_.device = {DeviceKind::kCuda, 0};
    there_.device_is_wish = true;
  }
  ThreadPool pool_{2};
  Notes notes_;
  Context cpu_{pool_, notes_, 0, {}};
  Context there_ = cpu_;
};

TEST_F(DecomposeDevice, TheProcessorsContextStays) {
  EXPECT_TRUE(choose_decompose_device(cpu_, work_of(4096, 4096, 64), "quantize").device.is_cpu());
  EXPECT_EQ(notes_.text, "");
}

// Asked for by name it is refused before any device is asked; as a wish it is the processor's.
TEST_F(DecomposeDevice, ADeviceWithNothingToDoIsNotTaken) {
  EXPECT_TRUE(choose_decompose_device(there_, work_of(4096, 4096, 0), "quantize").device.is_cpu());
  EXPECT_TRUE(notes_.has("quantize: on the cpu: no low-rank factors are asked for")) << notes_.text;
  EXPECT_TRUE(choose_decompose_device(there_, work_of(64, 64, 8), "sweep").device.is_cpu());
  EXPECT_TRUE(notes_.has("sweep: on the cpu: no matrix has more than 1048576 weights")) << notes_.text;
  // Codes that take a device's time are something to do, and a calibration is, of large matrices.
  EXPECT_TRUE(has_device_coder(FormatSet({"nf", "tcq"}), {}));
  EXPECT_FALSE(has_device_coder(FormatSet({"nf", "int-row"}), {}));
  EXPECT_TRUE(has_device_coder(FormatSet(), {.feedback = Feedback::kOn}));
  DecomposeWork small = work_of(64, 64, 0);
  small.calibrates = true;
  EXPECT_TRUE(choose_decompose_device(there_, small, "quantize").device.is_cpu());
  there_.device_is_wish = false;
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"[quantize] cuda:0 has nothing to do", "no low-rank factors"},
                        [&] { choose_decompose_device(there_, work_of(4096, 4096, 0), "quantize"); });
}

class DecomposeDeviceDevice : public DecomposeDevice {
 protected:
  void SetUp() override {
    if (backends::cuda::devices().empty())
      GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
    queue_ = open_device_queue(there_.device);
    there_.queue = queue_.get();
    there_.device_is_wish = false;
  }
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue_;
};

TEST_F(DecomposeDeviceDevice, NeedAndRoomAreSaidBeforeTheWork) {
  EXPECT_FALSE(choose_decompose_device(there_, work_of(64, 64, 8), "quantize").device.is_cpu());
  EXPECT_TRUE(notes_.has("quantize: on cuda:0 (") && notes_.has("needs about")) << notes_.text;
  DecomposeWork huge = work_of(std::int64_t{1} << 20, std::int64_t{1} << 20, 64);
  io_test::expect_error(ErrorCode::kIo,
                        {"[quantize] cuda:0 is too small: about", "are free; `device` cpu helps"},
                        [&] { choose_decompose_device(there_, huge, "quantize"); });
  there_.device_is_wish = true;
  EXPECT_TRUE(choose_decompose_device(there_, huge, "quantize").device.is_cpu());
  EXPECT_TRUE(notes_.has("quantize: on the cpu: cuda:0 is too small")) << notes_.text;
}

// Every piece once, each lane with a queue of its own; the first that fails is what is said.
TEST_F(DecomposeDeviceDevice, LanesHaveQueuesOfTheirOwn) {
  EXPECT_EQ(device_lanes(cpu_, work_of(64, 64, 8), 8), 1);
  const int lanes = device_lanes(there_, work_of(64, 64, 8), 2);
  EXPECT_GE(lanes, 1);
  EXPECT_LE(lanes, 2);
  EXPECT_EQ(device_lanes(there_, work_of(std::int64_t{1} << 20, std::int64_t{1} << 20, 64), 8), 1);
  std::vector<int> seen(9, 0);
  run_on_device(there_, 3, 9, [&](std::int64_t i, Context& lane) {
    EXPECT_EQ(lane.device, there_.device);
    const std::vector<float> values(16, static_cast<float>(i));
    const Tensor host = Tensor::borrow(DType::kF32, {16}, reinterpret_cast<const std::byte*>(values.data()));
    const Tensor moved = copy_to_device(lane, host);
    const Tensor back = copy_to_host(lane, moved);
    seen[static_cast<std::size_t>(i)] += static_cast<int>(back.data<float>()[7]) == i ? 1 : 100;
  });
  EXPECT_EQ(seen, std::vector<int>(9, 1));
  EXPECT_THROW(run_on_device(there_, 2, 4,
                             [](std::int64_t i, Context&) {
                               if (i == 1) fail(ErrorCode::kIo, "one");
                             }),
               Error);
}

// The same files as the processor's, whose errors are as large; the job says where it ran.
TEST_F(DecomposeDeviceDevice, AModelIsQuantizedAndSwept) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  QuantizeOptions o;
  o.model = dir / "model";
  o.choice = FormatSet().uniform(3);
  o.decompose.rank = 4;
  o.out = dir / "cpu";
  const QuantizeReport want = quantize_model(cpu_, o);
  o.out = dir / "there";
  const QuantizeReport have = quantize_model(there_, o);
  ASSERT_EQ(have.matrices.size(), want.matrices.size());
  EXPECT_EQ(have.output_bytes, want.output_bytes);
  EXPECT_NEAR(have.relative_error(), want.relative_error(), 0.02 * want.relative_error());
  // Another job than the processor's.
  io_test::expect_error(ErrorCode::kInvalidArgument, {"device"}, [&] { quantize_model(cpu_, o); });
  EXPECT_TRUE(quantize_model(there_, o).already_done);
  // One lane or several, on any number of threads: the same bits.
  ThreadPool one(1);
  Context alone{one, notes_, 0, {}};
  alone.device = there_.device;
  alone.queue = queue_.get();
  o.out = dir / "alone";
  quantize_model(alone, o);
  for (const char* file : {"model.safetensors", "adapter/adapter_model.safetensors"})
    EXPECT_EQ(io_test::get_file(dir / "alone" / file), io_test::get_file(dir / "there" / file)) << file;

  QuantizeOptions rows = o;
  rows.out = dir / "rows";
  rows.formats = FormatSet({"int-row"});
  rows.choice = {"int-row", "4"};
  quantize_model(there_, rows);
  EXPECT_TRUE(
      notes_.has("quantize: factors are sought on cuda:0; the codes of 14 of 14 matrices (int-row 4 "
                 "and others) are chosen on the cpu"))
      << notes_.text;

  // Trellis codes keep a device busy without factors, and are the processor's.
  QuantizeOptions codes = o;
  codes.formats = FormatSet({"tcq"});
  codes.choice = {"tcq", "2,10,32"};
  codes.decompose.rank = 0;
  notes_.text.clear();
  codes.out = dir / "codes";
  quantize_model(there_, codes);
  EXPECT_TRUE(notes_.has("quantize: on cuda:0 (") && !notes_.has("on the cpu")) << notes_.text;
  codes.out = dir / "cpu_codes";
  quantize_model(cpu_, codes);
  EXPECT_EQ(io_test::get_file(dir / "codes" / "model.safetensors"),
            io_test::get_file(dir / "cpu_codes" / "model.safetensors"));

  SweepJobOptions sweep;
  sweep.model = dir / "model";
  sweep.out = dir / "cpu.json";
  sweep.plan.decompose.rank = 4;
  sweep.plan.budget.configs = {FormatSet().uniform(2), FormatSet().uniform(4)};
  sweep_job(cpu_, sweep);
  const ErrorTable expected = read_error_table(sweep.out);
  sweep.out = dir / "there.json";
  sweep.check_cells = 2;
  EXPECT_LT(sweep_job(there_, sweep).largest_deviation, 0.2);
  const ErrorTable table = read_error_table(sweep.out);
  ASSERT_EQ(table.errors.size(), expected.errors.size());
  for (std::size_t i = 0; i < table.errors.size(); ++i)
    EXPECT_NEAR(table.errors[i], expected.errors[i], 0.05 * expected.errors[i]) << i;
}

}  // namespace
}  // namespace lq
