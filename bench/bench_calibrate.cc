// Calibration against a plain forward and full backward (gradients of every linear of the blocks, dense) over
// the same tokens, 2048 at a time, 8192 in all. Directories: quill from examples/, 768 x 12 made in the
// temporary folder. Each case runs alternately with its baseline; "ratio" is the quotient of wall-clock
// times, "cpu_ratio" that of processor times, which says the same on a machine that others use too.
#include <benchmark/benchmark.h>

#include <ctime>

#include "base/process.h"
#include "bench_context.h"
#include "calibrate/calibration_run.h"

#ifndef LQ_SOURCE_DIR
#define LQ_SOURCE_DIR "."
#endif

namespace lq {
namespace {

std::filesystem::path directory_of(Bench& b, std::int64_t which) {
  if (which == 0) {
    const std::filesystem::path here = "examples/models/quill";
    return std::filesystem::exists(here) ? here : std::filesystem::path(LQ_SOURCE_DIR) / here;
  }
  return bench_model(b, shape_768(0));
}

CalibrationWindows random_windows(std::int64_t count, std::int64_t vocab) {
  CalibrationWindows w;
  w.seq_len = 512;
  for (std::int64_t i = 0; i < count; ++i) w.numbers.push_back(i);
  w.ids.resize(static_cast<std::size_t>(count * w.seq_len));
  for (std::size_t i = 0; i < w.ids.size(); ++i) {
    w.ids[i] = static_cast<std::int32_t>(Rng(1).below(i, static_cast<std::uint64_t>(vocab)));
  }
  return w;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Seconds {
  double wall = 0.0, cpu = 0.0;
};

// Forward and backward with dense gradients of the blocks' linears.
void plain_pass(Bench& b, Model& model, Workspace& ws, ModelTape& tape, const CalibrationWindows& w) {
  std::vector<float> losses;
  for (const WindowGroup& g : window_groups(w)) {
    std::vector<std::int64_t> starts;
    for (std::int64_t i = 0; i <= g.count; ++i) starts.push_back(i * w.seq_len);
    const TokenBatch batch{std::span(w.ids).subspan(static_cast<std::size_t>(g.first * w.seq_len),
                                                    static_cast<std::size_t>(g.count * w.seq_len)),
                           starts};
    losses.resize(batch.ids.size());
    model.losses_backward(b.ctx, ws, tape, batch, next_token_targets(batch), 1.0F, losses);
  }
}

// range(0): 0 quill, 1 the 768 x 12 shape. range(1): 0 Fisher and R, 1 Fisher, R and G. range(2): blocks at
// once, 0 all.
void BM_Calibrate(benchmark::State& state) {
  Bench b;
  const auto directory = directory_of(b, state.range(0));
  Model plain = Model::load(b.ctx, directory);
  Model model = Model::load(b.ctx, directory);
  for (const Module& module : plain.modules()) {
    if (!module.in_block()) continue;
    module.linear->weight().parameter()->make_trainable();
  }
  const CalibrationWindows w = random_windows(16, model.spec().vocab);
  Gather gather;
  gather.output_grad_moment = state.range(1) == 1;
  gather.held_out = false;
  const CalibrationPlan plan = plan_calibration(model, gather, w, std::int64_t{1} << 40, state.range(2));
  const auto folder = std::filesystem::temp_directory_path() / "lq_bench_calibrate_work";
  const WorkStore store(folder);
  Workspace ws;
  ModelTape tape;
  plain_pass(b, plain, ws, tape, w);  // memory is there from now on
  Seconds plain_time;
  Seconds gather_time;
  double finish_seconds = 0.0;
  // The time of the passes, without writing the result: that does not grow with the text.
  struct Clock final : Progress {
    Seconds begun, last;
    static Seconds now() { return {monotonic_seconds(), cpu_seconds()}; }
    void begin(std::string_view, std::int64_t, std::string_view) override { begun = now(); }
    void update(std::int64_t, std::string_view) override { last = now(); }
    void end() override {}
    void note(std::string_view) override {}
  };
  for (auto _ : state) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const Seconds before = Clock::now();
    plain_pass(b, plain, ws, tape, w);
    const Seconds after = Clock::now();
    plain_time.wall += after.wall - before.wall;
    plain_time.cpu += after.cpu - before.cpu;
    Clock clock;
    Context ctx{b.pool, clock, 0, {}};
    CalibrationRun run(ctx, model, w, gather, plan, store, 1e9);
    run.run();
    gather_time.wall += clock.last.wall - clock.begun.wall;
    gather_time.cpu += clock.last.cpu - clock.begun.cpu;
    finish_seconds += monotonic_seconds() - clock.last.wall;
  }
  std::filesystem::remove_all(folder);
  const auto tokens = static_cast<double>(state.iterations() * std::ssize(w.ids));
  state.counters["ratio"] = gather_time.wall / plain_time.wall;
  state.counters["cpu_ratio"] = gather_time.cpu / plain_time.cpu;
  state.counters["plain_tok/s"] = tokens / plain_time.wall;
  state.counters["calibrate_tok/s"] = tokens / gather_time.wall;
  state.counters["finish_s"] = finish_seconds / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Calibrate)
    ->ArgNames({"shape", "G", "blocks"})
    ->Args({0, 0, 0})
    ->Args({0, 1, 0})
    ->Args({1, 0, 0})
    ->Args({1, 1, 0})
    ->Args({1, 1, 1})
    ->Iterations(3)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace lq

BENCHMARK_MAIN();
