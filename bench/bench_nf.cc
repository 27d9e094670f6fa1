// NormalFloat quantization of a 4096 x 4096 f32 matrix, per code width, at 1 and 2 threads; beside it a plain
// copy of as many floats, the bound for whatever reads and writes a matrix once.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"
#include "quant/codebook/codebook_quantizer.h"

namespace {

constexpr std::int64_t kSide = 4096;
constexpr std::int64_t kCount = kSide * kSide;

const std::vector<float>& weights() {
  static const std::vector<float> w = [] {
    lq::ThreadPool pool(0);
    std::vector<float> v(kCount);
    lq::Rng(1).fill_normal(pool, v.data(), kCount);
    for (float& x : v) x *= 0.02F;
    return v;
  }();
  return w;
}

lq::CodebookQuantizer quantizer(const benchmark::State& state) {
  return lq::CodebookQuantizer(lq::uniform_codebook_config(static_cast<int>(state.range(0))));
}

void finish(benchmark::State& state, std::int64_t count = kCount) {
  state.SetItemsProcessed(state.iterations() * count);  // weights per second
}

void quantize(benchmark::State& state) {
  lq::ThreadPool pool(static_cast<int>(state.range(1)));
  const auto q = quantizer(state);
  const auto& w = weights();
  for (auto _ : state) benchmark::DoNotOptimize(q.quantize(pool, w.data(), kSide, kSide));
  finish(state);
}

void dequantize(benchmark::State& state) {
  lq::ThreadPool pool(static_cast<int>(state.range(1)));
  const lq::CodebookMatrix matrix = quantizer(state).quantize(pool, weights().data(), kSide, kSide);
  std::vector<float> out(kCount);
  for (auto _ : state) {
    matrix.dequantize(pool, out.data());
    benchmark::ClobberMemory();
  }
  finish(state);
}

void round_trip(benchmark::State& state) {
  lq::ThreadPool pool(static_cast<int>(state.range(1)));
  const auto q = quantizer(state);
  const auto& w = weights();
  std::vector<float> out(kCount);
  for (auto _ : state) {
    q.round_trip(pool, w.data(), kSide, kSide, out.data());
    benchmark::ClobberMemory();
  }
  finish(state);
}

// The size of the LQ loop on GPT-2, which stays in the caches.
void round_trip_768(benchmark::State& state) {
  lq::ThreadPool pool(static_cast<int>(state.range(1)));
  const auto q = quantizer(state);
  const auto& w = weights();
  std::vector<float> out(768 * 768);
  for (auto _ : state) {
    q.round_trip(pool, w.data(), 768, 768, out.data());
    benchmark::ClobberMemory();
  }
  finish(state, 768 * 768);
}

void copy(benchmark::State& state) {
  lq::ThreadPool pool(static_cast<int>(state.range(0)));
  const auto& w = weights();
  std::vector<float> out(kCount);
  const std::int64_t grain = kCount / state.range(0);
  for (auto _ : state) {
    lq::parallel_for(pool, kCount, grain, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(out.data() + begin, w.data() + begin,
                  static_cast<std::size_t>(end - begin) * sizeof(float));
    });
    benchmark::ClobberMemory();
  }
  finish(state);
}

void each_width(benchmark::internal::Benchmark* b) {
  b->ArgNames({"bits", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int bits : {2, 3, 4, 8}) {
    for (const int threads : {1, 2}) b->Args({bits, threads});
  }
}

BENCHMARK(copy)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(quantize)->Apply(each_width);
BENCHMARK(dequantize)->Apply(each_width);
BENCHMARK(round_trip)->Apply(each_width);
BENCHMARK(round_trip_768)->Apply(each_width);

}  // namespace

BENCHMARK_MAIN();
