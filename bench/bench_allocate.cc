// Allocation for models of Llama-2's shapes, 432 configurations each. Counters: the proven gap, the choices
// left open for branch and cut (0: it was not needed). The tables are made up
// (tests/reference/synthetic_table.h).
#include <benchmark/benchmark.h>

#include <filesystem>

#include "../tests/reference/synthetic_table.h"
#include "allocate/frontier.h"
#include "allocate/solve.h"

namespace lq {
namespace {

using Shapes = std::vector<TableMatrix> (*)();

std::vector<TableMatrix> of_quills_size() { return reference::llama_matrices(6, 256, 704, 256); }  // 42

void solve(benchmark::State& state, Shapes shapes, const Constraints& constraints,
           const SolveOptions& options) {
  const ErrorTable table = reference::synthetic_table(shapes(), 7);
  const double budget = static_cast<double>(state.range(0)) / 100;
  Allocation allocation;
  SolveTrace trace;
  for (auto _ : state) {
    const Allocator allocator(table, constraints);  // the table's checks, dominance and hulls counted in
    allocation = allocator.solve(budget, options, &trace);
  }
  state.counters["gap"] = allocation.gap;
  state.counters["bits"] = allocation.bits_per_weight;
  state.counters["columns"] = trace.columns;
}

void BM_Allocate(benchmark::State& state, Shapes shapes) { solve(state, shapes, {}, {}); }
void BM_AllocateWithLayerCap(benchmark::State& state, Shapes shapes) {
  solve(state, shapes, {.layer_cap = static_cast<double>(state.range(0)) / 100 + 0.15}, {});
}
// CBC from the relaxation and local search on, over the choices that reduced costs leave open.
void BM_BranchAndCut(benchmark::State& state, Shapes shapes) {
  solve(state, shapes, {}, {.core_search = false});
}
// CBC over all undominated choices.
void BM_BranchAndCutWhole(benchmark::State& state, Shapes shapes) {
  solve(state, shapes, {}, {.gap = 1e-5, .core_search = false, .reduce = false});
}

void BM_Frontier(benchmark::State& state, Shapes shapes) {
  const ErrorTable table = reference::synthetic_table(shapes(), 7);
  const Allocator allocator(table);
  double worst = 0;
  for (auto _ : state) {
    worst = 0;
    for (const FrontierPoint& point : trace_frontier(allocator, budget_range()).points)
      worst = std::max(worst, point.gap);
  }
  state.counters["worst_gap"] = worst;
}

void BM_ReadTable(benchmark::State& state, const char* name) {
  const auto path = std::filesystem::temp_directory_path() / name;
  write_error_table(path, reference::synthetic_table(reference::llama_7b(), 7));
  for (auto _ : state) benchmark::DoNotOptimize(read_error_table(path));
  state.counters["bytes"] = static_cast<double>(std::filesystem::file_size(path));
  std::filesystem::remove(path);
}

BENCHMARK_CAPTURE(BM_Allocate, 7b, &reference::llama_7b)
    ->Arg(225)
    ->Arg(250)
    ->Arg(275)
    ->Arg(300)
    ->Arg(400)
    ->Arg(600)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Allocate, 70b, &reference::llama_70b)
    ->Arg(250)
    ->Arg(275)
    ->Arg(300)
    ->Arg(600)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Allocate, 42, &of_quills_size)
    ->Arg(250)
    ->Arg(275)
    ->Arg(300)
    ->Arg(600)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_AllocateWithLayerCap, 7b, &reference::llama_7b)->Arg(275)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_BranchAndCut, 7b, &reference::llama_7b)
    ->Arg(250)
    ->Arg(600)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(BM_BranchAndCutWhole, 7b, &reference::llama_7b)
    ->Arg(275)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(BM_Frontier, 42, &of_quills_size)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK_CAPTURE(BM_Frontier, 7b, &reference::llama_7b)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK_CAPTURE(BM_ReadTable, json, "lq_bench_table.json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ReadTable, gz, "lq_bench_table.json.gz")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lq

BENCHMARK_MAIN();
