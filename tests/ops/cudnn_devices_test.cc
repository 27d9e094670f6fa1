// Attention in bf16: by cuDNN where the device has it, and by our own kernels, against double. On the
// processor's card cuDNN is tests/support/cuda_on_cpu/cudnn.cc, which can be told to be old or wrong.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <optional>

#include "backends/cuda/attention.h"
#include "backends/cuda/attention_layout_element.h"
#include "ops/attention.h"
#include "ops/attention_case.h"
#include "ops/op_driver.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using attention_case::attention_operands;
using attention_case::AttentionNumbers;
using attention_case::AttentionSizes;
using attention_case::Reference;
using attention_case::reference_of;
using attention_case::shape_of;
using op_driver::OpCase;
using reference::normals;

constexpr double kBf16 = 0x1p-9;  // the relative error of a rounding

class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) {
    const char* const before = std::getenv(name);
    if (before != nullptr) before_ = before;
    setenv(name, value, 1);
  }
  ~Setting() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

struct NotesProgress final : Progress {
  std::vector<std::string> lines;
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
  void note(std::string_view line) override { lines.emplace_back(line); }
};

void round_all(std::vector<float>& x) {
  for (float& v : x) v = cuda::float_of_bf16(cuda::bf16_of_float(v));
}

// Operands are bf16's numbers. What is rounded after them: out: probabilities and the result; dv: those and
// heads that share keys; dq, dk: out within delta (2), ds, heads, the result.
OpCase bf16_case(const AttentionSizes& s) {
  AttentionNumbers x(s);
  for (auto* all : {&x.q, &x.k, &x.v, &x.dout}) round_all(*all);
  Reference r = reference_of(s, x, 6 * kBf16);
  for (double& b : r.out.bounds) b *= 0.5;  // of 6 roundings 2 are its own
  OpCase c = {.name = "attention in bf16" + s.text(),
              .operands = attention_operands(s, x),
              .run =
                  [s](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                    const auto segments = whole_segments(s.starts);
                    const ConstVector sinks = s.sinks.empty() ? ConstVector() : ConstVector(m[9].flat());
                    attention_forward(ctx, s.shape, segments, m[0], m[1], m[2], m[4], m[5], sinks);
                    attention_backward(ctx, s.shape, segments, m[0], m[1], m[2], m[4], m[5], m[3], m[6], m[7],
                                       m[8]);
                  },
              .expected = {r.out, r.lse, r.dq, r.dk, r.dv},
              .twin = {}};
  if (!s.sinks.empty()) c.operands.push_back({"sinks", 1, s.shape.heads, s.sinks});
  return c;
}

std::vector<AttentionSizes> sizes_in_bf16() {
  std::vector<AttentionSizes> all = {
      {{0, 17}, shape_of(2, 2, 8)},                      // one, in one tile
      {{0, 66, 69, 135, 264}, shape_of(4, 2, 16)},       // two in one call, one by rows, one alone
      {{0, 40, 85, 130, 148, 170}, shape_of(3, 1, 24)},  // five of a class: four and one
      {{0, 65, 193}, shape_of(4, 2, 8, 20)},             // a window
      {{0, 5, 95, 160}, shape_of(2, 1, 40, 64)}};        // one as wide as a tile
  all.push_back({{0, 70, 133}, shape_of(4, 2, 16)});
  all.back().shape.soft_cap = 1.5F;
  all.push_back({{0, 80, 150}, shape_of(2, 2, 16)});
  all.back().shape.causal = false;
  return all;
}

// On one device, with what is said of it.
struct Machine {
  explicit Machine(Device device) : queue(open_device_queue(device)), ctx{pool, progress, 0, {}} {
    ctx.device = device;
    ctx.queue = queue.get();
    ctx.matmul_precision = MatmulPrecision::kBf16;
  }
  ThreadPool pool{1};
  NotesProgress progress;
  decltype(open_device_queue(Device{})) queue;
  Context ctx;
};

using Numbers = std::vector<std::vector<float>>;

bool all_bf16(const std::vector<float>& x) {
  for (const float v : x) {
    if ((cuda::bits_of_float(v) & 0xffffU) != 0) return false;
  }
  return true;
}

bool on_the_processor(Device device) {
  return cuda::devices()[device.index].name.find("processor") != std::string::npos;
}

Numbers run(const OpCase& c, Machine& machine) {
  Numbers after = op_driver::internal::run_on(c, machine.ctx);
  op_driver::internal::compare(c, device_text(machine.ctx.device), after);
  return after;
}

TEST(CudnnDevices, AgreesWithDouble) {
  for (const Device device : op_driver::other_devices()) {
    for (const AttentionSizes& s : sizes_in_bf16()) {
      const OpCase c = bf16_case(s);
      Machine machine(device);
      const Numbers first = run(c, machine);
      if (testing::Test::HasFatalFailure()) return;
      const bool by_cudnn = cuda::attention_library(*machine.queue) != "own kernels";
      EXPECT_TRUE(machine.progress.lines.empty()) << machine.progress.lines[0];
      EXPECT_TRUE(by_cudnn || !on_the_processor(device)) << c.name;
      // What cuDNN writes is bf16's; our own kernels' sums are not, and rows of few queries are theirs.
      if (by_cudnn && s.starts != std::vector<std::int64_t>{0, 66, 69, 135, 264} && s.starts[1] != 5) {
        EXPECT_TRUE(all_bf16(first[4])) << c.name;
        EXPECT_TRUE(all_bf16(first[6])) << c.name;
      }
      EXPECT_EQ(run(c, machine), first) << "not the same bits again: " << c.name;
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(CudnnDevices, OwnKernelsAgreeWithDouble) {
  const Setting off("LQ_CUDNN", "0");
  for (const Device device : op_driver::other_devices()) {
    for (const AttentionSizes& s : sizes_in_bf16()) {
      Machine machine(device);
      const Numbers after = run(bf16_case(s), machine);
      if (testing::Test::HasFatalFailure()) return;
      EXPECT_EQ(cuda::attention_library(*machine.queue), "own kernels");
      EXPECT_FALSE(all_bf16(after[4]));
    }
  }
}

// Sinks are computed by our own kernels in forward; backward has them in the log-sums.
TEST(CudnnDevices, SinksAgreeWithDouble) {
  const AttentionSizes s = {{0, 70, 135}, shape_of(4, 2, 16), {3.0F, -2.0F, 0.5F, 1.0F}};
  for (const Device device : op_driver::other_devices()) {
    Machine machine(device);
    const Numbers after = run(bf16_case(s), machine);
    if (testing::Test::HasFatalFailure()) return;
    EXPECT_FALSE(all_bf16(after[4]));
  }
}

// More keys than queries, in forward: a prompt after what a cache has. Held against the processor.
TEST(CudnnDevices, EndsThatMeet) {
  for (const Device device : op_driver::other_devices()) {
    for (const std::int64_t window : {0, 30}) {
      const AttentionShape shape = shape_of(4, 2, 16, window);
      const std::vector<AttentionSegment> segments = {
          {0, 70, 0, 110}, {70, 100, 110, 125}, {170, 16, 235, 16}};
      const std::int64_t tokens = 186, keys = 251;
      const auto numbers = [](std::int64_t n, unsigned seed) {
        std::vector<float> x = normals(static_cast<std::size_t>(n), seed);
        round_all(x);
        return x;
      };
      const auto v = numbers(keys * 32, 3);
      OpCase c = {.name = "attention to a cache",
                  .operands = {{"q", tokens, 64, numbers(tokens * 64, 1)},
                               {"k", keys, 32, numbers(keys * 32, 2)},
                               {"v", keys, 32, v},
                               {"out", tokens, 64, numbers(tokens * 64, 4)},
                               {"lse", 4, tokens, numbers(4 * tokens, 5)}},
                  .run =
                      [&](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                        attention_forward(ctx, shape, segments, m[0], m[1], m[2], m[3], m[4]);
                      },
                  .expected = {},
                  .twin = {}};
      NoProgress progress;
      ThreadPool pool(1);
      Context cpu{pool, progress, 0, {}};
      const Numbers want = op_driver::internal::run_on(c, cpu);
      // Probabilities and the result are rounded, and add up to 1.
      double largest = 0.0;
      for (const float x : v) largest = std::max(largest, std::abs(double{x}));
      op_driver::Expected out{3, {want[3].begin(), want[3].end()}, {}},
          lse{4, {want[4].begin(), want[4].end()}, {}};
      out.bounds.assign(want[3].size(), 2.1 * kBf16 * largest);
      lse.bounds.assign(want[4].size(), 0x1p-16);
      c.expected = {out, lse};
      Machine machine(device);
      const Numbers after = run(c, machine);
      if (testing::Test::HasFatalFailure()) return;
      EXPECT_TRUE(cuda::attention_library(*machine.queue) == "own kernels" || all_bf16(after[3]));
    }
  }
}

// A library that is too old, refuses, fails, or computes something else is not used, and results are right
// all the same. The last two are said, once.
TEST(CudnnDevices, RightOrRefused) {
  struct Trouble {
    const char *name, *value, *library;
    bool forward;  // by cuDNN all the same
    std::size_t notes;
  };
  const AttentionSizes s = {{0, 70, 140}, shape_of(4, 2, 8)};
  const OpCase c = bf16_case(s);
  for (const Device device : op_driver::other_devices()) {
    if (!on_the_processor(device)) GTEST_SKIP() << "a card's cuDNN is what it is";
    for (const Trouble& t : {Trouble{"LQ_CPU_CUDNN", "91001", "own kernels", false, 0},
                             Trouble{"LQ_CPU_CUDNN", "100000", "own kernels", false, 0},
                             Trouble{"LQ_CPU_CUDNN", "92801", "cuDNN 9.28.1", true, 0},
                             Trouble{"LQ_CPU_CUDNN_FAULT", "1", "own kernels", true, 0},
                             Trouble{"LQ_CPU_CUDNN_FAULT", "2", "own kernels", false, 2},
                             Trouble{"LQ_CPU_CUDNN_FAULT", "3", "own kernels", false, 2}}) {
      const Setting set(t.name, t.value);
      Machine machine(device);
      for (int again = 0; again < 2; ++again) {
        const Numbers after = run(c, machine);
        if (testing::Test::HasFatalFailure()) return;
        EXPECT_EQ(all_bf16(after[4]), t.forward) << t.name << t.value;
      }
      EXPECT_EQ(machine.progress.lines.size(), t.notes);
      EXPECT_EQ(cuda::attention_library(*machine.queue), t.library);
    }
  }
}

TEST(CudnnDevices, LogSumsGoToAndFro) {
  const std::vector<cuda::SegmentRows> rows = {{{2, 3, 0, 3}, 0}, {{7, 2, 4, 2}, 3}};
  const cuda::PackedRows packed = {rows.data(), 2, false};
  const std::int64_t tokens = 10, heads = 6;
  const std::vector<float> lse = normals(static_cast<std::size_t>(heads * tokens), 1);
  std::vector<float> back(lse.size(), 0.0F), stats(lse.size(), NAN);
  for (std::int64_t i = 0; i < 5 * heads; ++i)
    cuda::stats_of_lse(packed, tokens, 0, heads, i, lse.data(), stats.data());
  for (std::int64_t i = 0; i < 5 * heads; ++i)
    cuda::lse_of_stats(packed, tokens, heads, i, stats.data(), back.data());
  for (std::int64_t h = 0; h < heads; ++h) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const bool has = (t >= 2 && t < 5) || (t >= 7 && t < 9);
      const auto at = static_cast<std::size_t>(h * tokens + t);
      EXPECT_EQ(back[at], has ? lse[at] : 0.0F);
    }
  }
  // Two heads of six.
  for (std::int64_t i = 0; i < 5 * 2; ++i)
    cuda::stats_of_lse(packed, tokens, 4, 2, i, lse.data(), stats.data());
  EXPECT_EQ(stats[8 * 2 + 1], lse[5 * tokens + 8]);
  std::vector<std::uint16_t> from(10 * 3);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = cuda::bf16_of_float(static_cast<float>(i));
  std::vector<float> to(from.size(), -1.0F);
  const cuda::PackedRows keys = {rows.data(), 2, true};
  for (std::int64_t i = 0; i < 5 * 3; ++i) cuda::widen_element(keys, 3, i, from.data(), to.data());
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool has = i < 9 || (i >= 12 && i < 18);
    EXPECT_EQ(to[i], has ? static_cast<float>(i) : -1.0F);
  }
}

}  // namespace
}  // namespace lq
