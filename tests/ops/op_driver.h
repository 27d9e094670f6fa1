// The one test driver for ops. An op is described once: what it reads and writes, what must come out in
// double, and how far from that each number may be, derived from the sizes. The driver then runs it
//   - on every device of this machine, on the processor with 1 and with 7 threads, and
//   - where the description has it, the arithmetic of a CUDA thread on the processor, phase by phase
//     ("twin"),
// checks every number against its bound, that the same bits come out on any number of threads, and that what
// is only read stays as it was.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backends/cuda/device.h"
#include "base/error.h"
#include "base/progress.h"
#include "ops/device_memory.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq::op_driver {

// Half a unit in the last place of 1: the relative error of one f32 operation.
inline constexpr double kRounding = 0x1p-24;

// Rows and columns to run ops over: one, around a vector and a tile, odd tails.
inline std::vector<std::pair<std::int64_t, std::int64_t>> sizes() {
  return {{1, 1}, {1, 15}, {3, 16}, {2, 17}, {15, 1}, {16, 33}, {17, 64}, {65, 63}, {70, 129}, {1, 300}};
}

// A matrix (or, as one row, a vector) that the op reads or writes.
struct Operand {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<float> before;  // what it holds at first; garbage for what is written without being read
};

// What the operand must hold afterwards.
struct Expected {
  std::size_t operand = 0;  // its place among the operands
  std::vector<double> values;
  std::vector<double> bounds;  // the largest error of each
};

struct OpCase {
  std::string name;  // for messages: the op and the sizes
  std::vector<Operand> operands;
  // The call, on matrices that lie on ctx's device.
  std::function<void(Context& ctx, Workspace& ws, const std::vector<Matrix>& operands)> run;
  std::vector<Expected> expected;
  // The same by the functions that CUDA threads run, on host memory; empty: none.
  std::function<void(const std::vector<Matrix>& operands)> twin;
  bool cpu_only = false;  // other devices must refuse it with kUnsupported
};

namespace internal {

inline void compare(const OpCase& c, const std::string& where, const std::vector<std::vector<float>>& have) {
  for (std::size_t o = 0; o < c.operands.size(); ++o) {
    const Operand& operand = c.operands[o];
    const Expected* want = nullptr;
    for (const Expected& e : c.expected) {
      if (e.operand == o) want = &e;
    }
    const std::string who = c.name + " on " + where + ": " + operand.name;
    if (want == nullptr) {
      EXPECT_TRUE(operand.before.empty() ||
                  std::memcmp(have[o].data(), operand.before.data(), have[o].size() * sizeof(float)) == 0)
          << who << " changed, but is only read";
      continue;
    }
    ASSERT_EQ(want->values.size(), have[o].size()) << who;
    ASSERT_EQ(want->bounds.size(), have[o].size()) << who;
    for (std::size_t i = 0; i < have[o].size(); ++i) {
      // Written so that a NaN fails.
      ASSERT_TRUE(std::abs(double{have[o][i]} - want->values[i]) <= want->bounds[i])
          << who << "[" << i << "] is " << have[o][i] << ", but " << want->values[i] << " +- "
          << want->bounds[i] << " was expected";
    }
  }
}

inline std::vector<std::vector<float>> run_on(const OpCase& c, Context& ctx) {
  Workspace ws(ctx.device, empty_tensor);
  std::vector<Tensor> tensors;
  for (const Operand& o : c.operands) {
    Tensor host = Tensor::empty(DType::kF32, {o.rows, o.cols});
    LQ_CHECK(static_cast<std::size_t>(host.numel()) == o.before.size(), kInternal,
             "{}: {} has {} numbers for {}", c.name, o.name, o.before.size(), shape_text(host.shape()));
    if (host.bytes() > 0) std::memcpy(host.mutable_raw(), o.before.data(), host.bytes());
    tensors.push_back(copy_to_device(ctx, host));
  }
  std::vector<Matrix> matrices;
  for (Tensor& t : tensors) matrices.push_back(matrix_of(t));
  c.run(ctx, ws, matrices);
  std::vector<std::vector<float>> after;
  for (const Tensor& t : tensors) {
    const Tensor host = copy_to_host(ctx, t);
    after.emplace_back(host.data<float>(), host.data<float>() + host.numel());
  }
  return after;
}

}  // namespace internal

// Devices other than the processor that this machine has and this build can use.
inline std::vector<Device> other_devices() {
  std::vector<Device> all;
  const std::size_t count = backends::cuda::devices().size();
  for (std::size_t i = 0; i < count; ++i) all.push_back({DeviceKind::kCuda, static_cast<std::uint8_t>(i)});
  return all;
}

// A context on a device, and what it needs.
struct OnDevice {
  explicit OnDevice(Device device) : queue(open_device_queue(device)) {
    ctx.device = device;
    ctx.queue = queue.get();
  }
  ThreadPool pool{1};
  NoProgress progress;
  decltype(open_device_queue(Device())) queue;
  Context ctx{pool, progress, 0, {}};
};

inline void check_op(const OpCase& c) {
  NoProgress progress;
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 7}) {
    ThreadPool pool(threads);
    Context ctx{pool, progress, 0, {}};
    const auto after = internal::run_on(c, ctx);
    internal::compare(c, "cpu with " + std::to_string(threads) + " thread(s)", after);
    if (testing::Test::HasFatalFailure()) return;
    if (threads == 1) first = after;
    for (std::size_t o = 0; o < after.size(); ++o) {
      EXPECT_TRUE(first[o].empty() ||
                  std::memcmp(first[o].data(), after[o].data(), after[o].size() * sizeof(float)) == 0)
          << c.name << ": " << c.operands[o].name << " depends on the number of threads";
    }
  }
  if (c.twin) {
    std::vector<std::vector<float>> after;
    for (const Operand& o : c.operands) after.push_back(o.before);
    std::vector<Matrix> matrices;
    for (std::size_t o = 0; o < after.size(); ++o)
      matrices.push_back({after[o].data(), c.operands[o].rows, c.operands[o].cols});
    c.twin(matrices);
    internal::compare(c, "the processor as CUDA threads", after);
    if (testing::Test::HasFatalFailure()) return;
  }
  for (const Device device : other_devices()) {
    ThreadPool pool(1);
    const auto queue = open_device_queue(device);
    Context ctx{pool, progress, 0, {}};
    ctx.device = device;
    ctx.queue = queue.get();
    if (c.cpu_only) {
      EXPECT_THROW(internal::run_on(c, ctx), Error) << c.name << " on " << device_text(device);
      continue;
    }
    internal::compare(c, device_text(device), internal::run_on(c, ctx));
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace lq::op_driver
