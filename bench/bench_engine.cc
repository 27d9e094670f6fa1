// The engine: products with packed weights, prompt processing, decoding, a LoRA step. Model directories are
// made in the temporary folder on first use. Threads: LQ_THREADS (2).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>

#include "../tests/reference/random_model.h"
#include "kernels/cpu/nf_codec.h"
#include "kernels/cpu/nf_gemv.h"
#include "models/llama_model.h"
#include "nn/nf_weight.h"

namespace lq {
namespace {

int threads() {
  const char* text = std::getenv("LQ_THREADS");
  return text == nullptr ? 2 : std::atoi(text);
}

struct Bench {
  ThreadPool pool{threads()};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
};

// 768 x 12: the shape of the LoRA comparison; 2048 x 22: TinyLlama-1.1B.
reference::RandomModel shape_768(int bits) { return {768, 12, 2048, 12, 12, 32000, 2048, bits}; }
reference::RandomModel shape_1100m(int bits) { return {2048, 22, 5632, 32, 4, 32000, 2048, bits}; }

LlamaModel model_of(Bench& b, const reference::RandomModel& m) {
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("lq_bench_{}x{}_{}bit", m.hidden, m.layers, m.bits);
  if (!std::filesystem::exists(folder / "config.json")) reference::write_random_model(b.pool, m, folder);
  return LlamaModel::load(b.ctx, folder);
}

std::vector<std::int32_t> ids(std::int64_t count, std::int64_t vocab) {
  std::vector<std::int32_t> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<std::int32_t>(Rng(1).below(i, static_cast<std::uint64_t>(vocab)));
  }
  return x;
}

// y = W x straight from the codes; bytes/s counts the packed matrix.
void BM_NfGemv(benchmark::State& state) {
  Bench b;
  const auto bits = static_cast<int>(state.range(0));
  const std::int64_t rows = 5632 * 16;  // larger than the caches
  const std::int64_t cols = 2048;
  std::vector<float> w(static_cast<std::size_t>(rows * cols));
  Rng(3).fill_normal(b.pool, w.data(), rows * cols);
  const NfMatrix matrix = NfQuantizer(uniform_nf_config(bits)).quantize(b.pool, w.data(), rows, cols);
  const std::vector<float> x(static_cast<std::size_t>(cols), 0.5F);
  std::vector<float> y(static_cast<std::size_t>(rows));
  std::vector<float> scratch(static_cast<std::size_t>(kernels::nf_gemv_scratch(matrix.view(), 1)) + 16);
  float* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64 / 4;
  for (auto _ : state) kernels::nf_gemv(b.pool, matrix.view(), x.data(), 1, y.data(), aligned);
  state.SetBytesProcessed(state.iterations() * matrix.storage_bytes());
  state.counters["weights/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows * cols), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_NfGemv)->Arg(2)->Arg(3)->Arg(4)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_Prompt768(benchmark::State& state) {
  Bench b;
  const LlamaModel model = model_of(b, shape_768(static_cast<int>(state.range(0))));
  const std::int64_t n = 512;
  const auto x = ids(n, 32000);
  Tensor logits = Tensor::empty(DType::kF32, {1, 32000});
  for (auto _ : state) {
    KvCache cache = model.make_cache(n);
    model.decode(b.ctx, b.ws, cache, x, matrix_of(logits));
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * n), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Prompt768)->Arg(0)->Arg(4)->UseRealTime()->Unit(benchmark::kMillisecond);

// Forward and backward of LoRA r 64 on all linears, batch 2 x 512, and memory kept.
void BM_LoraStep768(benchmark::State& state) {
  Bench b;
  LlamaModel model = model_of(b, shape_768(static_cast<int>(state.range(0))));
  for (Linear* linear : model.linears()) {
    auto lora = std::make_unique<Lora>();
    lora->a.value = Tensor::empty(DType::kF32, {64, linear->in()});
    lora->b.value = Tensor::zeros(DType::kF32, {linear->out(), 64});
    Rng(2, stream_of(linear->name()))
        .fill_normal(b.pool, lora->a.value.mutable_data<float>(), 64 * linear->in());
    lora->scaling = 0.25F;
    linear->set_lora(std::move(lora));
  }
  model.train_adapters();
  const std::vector<std::int64_t> starts = {0, 512, 1024};
  const auto x = ids(1024, 32000);
  const TokenBatch batch{x, starts};
  const auto targets = next_token_targets(batch);
  std::vector<float> losses(1024);
  LlamaTape tape;
  tape.keep = state.range(1) == 0 ? Keep::kBlocks : Keep::kActivations;
  for (auto _ : state) model.losses_backward(b.ctx, b.ws, tape, batch, targets, 1.0F / 1022, losses);
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * 1024), benchmark::Counter::kIsRate);
  state.counters["tape_MiB"] = static_cast<double>(tape.bytes()) / 1048576.0;
  state.counters["scratch_MiB"] = static_cast<double>(b.ws.bytes()) / 1048576.0;
}
BENCHMARK(BM_LoraStep768)->Args({4, 0})->Args({4, 1})->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_Decode1100M(benchmark::State& state) {
  Bench b;
  LlamaModel model = model_of(b, shape_1100m(static_cast<int>(state.range(0))));
  Tensor logits = Tensor::empty(DType::kF32, {1, 32000});
  KvCache cache = model.make_cache(256);
  const auto x = ids(8, 32000);
  model.decode(b.ctx, b.ws, cache, x, matrix_of(logits));
  for (auto _ : state) {
    if (cache.length() == 256) cache.truncate(8);
    model.decode(b.ctx, b.ws, cache, std::span(x).first(1), matrix_of(logits));
  }
  std::int64_t bytes = model.head().projection().weight().bytes();
  for (Linear* linear : model.linears()) bytes += linear->weight().bytes();
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Decode1100M)->Arg(2)->Arg(3)->Arg(4)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_Prompt1100M(benchmark::State& state) {
  Bench b;
  const LlamaModel model = model_of(b, shape_1100m(static_cast<int>(state.range(0))));
  const std::int64_t n = 256;
  const auto x = ids(n, 32000);
  Tensor logits = Tensor::empty(DType::kF32, {1, 32000});
  for (auto _ : state) {
    KvCache cache = model.make_cache(n);
    model.decode(b.ctx, b.ws, cache, x, matrix_of(logits));
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * n), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Prompt1100M)->Arg(4)->UseRealTime()->Unit(benchmark::kMillisecond);

// The machine: what a plain read of memory gives, the ceiling for decoding.
void BM_ReadBandwidth(benchmark::State& state) {
  Bench b;
  const std::vector<float> x(std::size_t{128} << 20, 1.0F);
  for (auto _ : state) {
    double sum = parallel_sum(b.pool, std::ssize(x), 1 << 20, [&](std::int64_t begin, std::int64_t end) {
      float part[16] = {};
      for (std::int64_t i = begin; i < end; i += 16) {
        for (int j = 0; j < 16; ++j) part[j] += x[static_cast<std::size_t>(i + j)];
      }
      return double{part[0]} + part[7];
    });
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * std::ssize(x) * 4);
}
BENCHMARK(BM_ReadBandwidth)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lq

BENCHMARK_MAIN();
