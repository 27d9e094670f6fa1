// Calibration on a CUDA device: Fisher, R and G of the 7B shape's linears.
#pragma once

#include "calibrate/calibration_run.h"
#include "device_bench.h"

namespace lq {

// When each group of windows was done.
struct GroupTimes final : Progress {
  explicit GroupTimes(DeviceQueue& q) : queue(q) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {
    backends::cuda::finish(queue);
    done.push_back(monotonic_seconds());
  }
  void end() override {}
  void note(std::string_view) override {}
  DeviceQueue& queue;
  std::vector<double> done;
};

// Of a window of 2048 tokens, forward, backward and into the sums; all blocks at once, so that every group of
// windows does the same. The first one warms up.
inline Timed time_window(std::int64_t layers) {
  constexpr std::int64_t kWindows = 5;
  OnDevice d;
  GroupTimes times(*d.queue);
  Context ctx{d.pool, times, 0, {}};
  d.use(ctx);
  ctx.matmul_precision = MatmulPrecision::kTf32;  // as the verb calibrate has it
  Model model = Model::load(ctx, bench_model(d, shape_7b(layers, 0)));
  CalibrationWindows windows;
  windows.seq_len = kGroupTokens;
  windows.ids = random_ids(kWindows * windows.seq_len);
  for (std::int64_t i = 0; i < kWindows; ++i) windows.numbers.push_back(i);
  Gather gather;
  gather.held_out = false;
  const CalibrationPlan plan =
      plan_calibration(model, gather, windows, CalibrationBudget{std::int64_t{1} << 40}, 0);
  move_model(ctx, model, {});
  const auto folder = std::filesystem::temp_directory_path() / "lq_bench_calibrate_work";
  std::filesystem::remove_all(folder);
  Timed timed;
  {
    const WorkStore store(folder);
    CalibrationRun(ctx, model, windows, gather, plan, store, 1e9).run();
    const auto memory = backends::cuda::memory(ctx.device);
    timed.gib = static_cast<double>(memory.total - memory.free) / (1 << 30);
  }
  std::filesystem::remove_all(folder);
  LQ_CHECK(std::ssize(times.done) == kWindows, kInternal, "[bench] {} groups of windows, but {} were to be",
           times.done.size(), kWindows);
  timed.seconds = (times.done.back() - times.done.front()) / (kWindows - 1);
  return timed;
}

inline void calibration_row() {
  const Depth depth{1, 2, kLayers7b};
  const Timed window = depth.scaled(time_window(depth.half), time_window(depth.deep));
  constexpr double kMany = 128.0;
  print_row("calibrate Fisher, R and G, 7B shape, 128 x 2048 tokens",
            fmt::format(
                "{:.1f} s ({:.0f} tokens/s; by 1 and 2 layers and 4 windows, without writing the statistics)",
                kMany * window.seconds, static_cast<double>(kGroupTokens) / window.seconds));
}

}  // namespace lq
