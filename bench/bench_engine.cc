// The engine: products with packed weights, prompt processing, decoding, a LoRA step.
#include <benchmark/benchmark.h>

#include "backends/cpu/gemm.h"
#include "backends/cpu/nf_codec.h"
#include "backends/cpu/nf_gemv.h"
#include "bench_context.h"
#include "models/model.h"
#include "nn/packed_weight.h"
#include "quant/codebook/codebook_quantizer.h"
#include "train/adamw.h"
#include "train/gradients.h"

namespace lq {
namespace {

// TinyLlama-1.1B.
reference::RandomModel shape_1100m(int bits) { return {2048, 22, 5632, 32, 4, 32000, 2048, bits}; }

// In a trellis code: one block's matrices in all blocks, as writing them takes long.
reference::RandomModel trellis_1100m(int bits) {
  reference::RandomModel shape = shape_1100m(bits);
  shape.choice = fmt::format("tcq,{}", bits);
  shape.same_blocks = true;
  return shape;
}

Model model_of(Bench& b, const reference::RandomModel& m) { return Model::load(b.ctx, bench_model(b, m)); }

std::vector<std::int32_t> ids(std::int64_t count, std::int64_t vocab) {
  std::vector<std::int32_t> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<std::int32_t>(Rng(1).below(i, static_cast<std::uint64_t>(vocab)));
  }
  return x;
}

// c = a b^T or a b of a 768 x 12 model's shapes, in f32 or 16-bit integers (gemm.h).
void BM_Gemm(benchmark::State& state) {
  Bench b;
  const std::int64_t m = state.range(0);
  const std::int64_t n = state.range(1);
  const std::int64_t k = state.range(2);
  std::vector<float> x(static_cast<std::size_t>(m * k));
  std::vector<float> w(static_cast<std::size_t>(n * k));
  std::vector<float> y(static_cast<std::size_t>(m * n));
  Rng(3).fill_normal(b.pool, x.data(), m * k);
  Rng(4).fill_normal(b.pool, w.data(), n * k);
  const bool trans = state.range(3) == 1;
  const auto precision = state.range(4) == 1 ? backends::GemmPrecision::kI16 : backends::GemmPrecision::kF32;
  for (auto _ : state) {
    backends::gemm(b.pool, m, n, k, x.data(), k, w.data(), trans ? k : n, y.data(), n,
                   {.trans_b = trans, .precision = precision});
  }
  state.counters["FLOP/s"] = benchmark::Counter(static_cast<double>(state.iterations() * 2 * m * n * k),
                                                benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Gemm)
    ->ArgsProduct({{1024}, {768}, {768, 2048}, {0, 1}, {0, 1}})
    ->ArgsProduct({{512}, {32000}, {768}, {1}, {0, 1}})
    ->ArgsProduct({{512}, {768}, {32000}, {0}, {0, 1}})
    ->ArgNames({"m", "n", "k", "trans_b", "i16"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

MatmulPrecision precision_of(std::int64_t i16) {
  return i16 == 1 ? MatmulPrecision::kI16 : MatmulPrecision::kF32;
}

// y = W x straight from the codes, finely or fast (nf_gemv.h); bytes/s counts the packed matrix.
void BM_NfGemv(benchmark::State& state) {
  Bench b;
  const auto bits = static_cast<int>(state.range(0));
  const std::int64_t rows = 5632 * 16;  // larger than the caches
  const std::int64_t cols = 2048;
  std::vector<float> w(static_cast<std::size_t>(rows * cols));
  Rng(3).fill_normal(b.pool, w.data(), rows * cols);
  const CodebookMatrix matrix =
      CodebookQuantizer(uniform_codebook_config(bits)).quantize(b.pool, w.data(), rows, cols);
  const std::vector<float> x(static_cast<std::size_t>(cols), 0.5F);
  std::vector<float> y(static_cast<std::size_t>(rows));
  std::vector<float> scratch(static_cast<std::size_t>(backends::nf_gemv_scratch(matrix.view(), 1)) + 16);
  float* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64 / 4;
  const backends::NfGemvLevels levels = backends::nf_gemv_levels(matrix.view().codebook, bits);
  const backends::NfGemvLevels* coarse = state.range(1) == 1 ? &levels : nullptr;
  for (auto _ : state) backends::nf_gemv(b.pool, matrix.view(), x.data(), 1, y.data(), aligned, coarse);
  state.SetBytesProcessed(state.iterations() * matrix.storage_bytes());
  state.counters["weights/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows * cols), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_NfGemv)
    ->ArgsProduct({{2, 3, 4}, {0, 1}})
    ->ArgNames({"bits", "fast"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// A prompt of n tokens, in f32 or 16-bit integers.
void prompt(benchmark::State& state, const reference::RandomModel& shape, std::int64_t n) {
  Bench b;
  b.ctx.matmul_precision = precision_of(state.range(1));
  const Model model = model_of(b, shape);
  const auto x = ids(n, 32000);
  Tensor logits = Tensor::empty(DType::kF32, {1, 32000});
  for (auto _ : state) {
    KvCache cache = model.make_cache(n);
    model.decode(b.ctx, b.ws, cache, x, matrix_of(logits));
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * n), benchmark::Counter::kIsRate);
}

void BM_Prompt768(benchmark::State& state) {
  prompt(state, shape_768(static_cast<int>(state.range(0))), 512);
}
BENCHMARK(BM_Prompt768)
    ->ArgsProduct({{0, 4}, {0, 1}})
    ->ArgNames({"bits", "i16"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// r 64 beside every linear, B = 0.
void add_lora(Bench& b, Model& model) {
  for (const Module& module : model.modules()) {
    if (!module.in_block()) continue;
    Linear* const linear = module.linear;
    auto lora = std::make_unique<Lora>();
    lora->a.value = Tensor::empty(DType::kF32, {64, linear->in()});
    lora->b.value = Tensor::zeros(DType::kF32, {linear->out(), 64});
    Rng(2, stream_of(linear->name()))
        .fill_normal(b.pool, lora->a.value.mutable_data<float>(), 64 * linear->in());
    lora->scaling = 0.25F;
    linear->set_lora(std::move(lora));
  }
}

// LoRA r 64 on all linears of 768 x 12 at NF4: forward and backward, and with `update` all of a step
// (clipping, AdamW).
void lora_step(benchmark::State& state, Keep keep, std::int64_t batch_size, std::int64_t length, bool update,
               MatmulPrecision precision) {
  Bench b;
  b.ctx.matmul_precision = precision;
  Model model = model_of(b, shape_768(4));
  add_lora(b, model);
  model.train_adapters();
  const std::int64_t tokens = batch_size * length;
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i <= batch_size; ++i) starts.push_back(i * length);
  const auto x = ids(tokens, 32000);
  const TokenBatch batch{x, starts};
  const auto targets = next_token_targets(batch);
  std::vector<float> losses(static_cast<std::size_t>(tokens));
  ModelTape tape;
  tape.keep = keep;
  const float scale = 1.0F / static_cast<float>(tokens - batch_size);
  const std::vector<Parameter*> learning = model.trainable();
  std::vector<TrainedParameter> trained;
  if (update) {
    for (Parameter* p : learning) trained.push_back({p});
  }
  AdamW optimizer(trained, {});
  for (auto _ : state) {
    model.losses_backward(b.ctx, b.ws, tape, batch, targets, scale, losses);
    if (!update) continue;
    optimizer.step(b.ctx, 1e-4, clip_factor(gradient_norm(b.ctx, learning), 1.0));
    for (Parameter* p : learning) p->zero_grad();
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * tokens), benchmark::Counter::kIsRate);
  state.counters["tape_MiB"] = static_cast<double>(tape.bytes()) / 1048576.0;
  state.counters["scratch_MiB"] = static_cast<double>(b.ws.bytes()) / 1048576.0;
}

// 0: everything recomputed, 1: outputs of linears kept. Batch 2 x 512.
void BM_LoraStep768(benchmark::State& state) {
  lora_step(state, state.range(0) == 0 ? Keep::kBlocks : Keep::kActivations, 2, 512, false,
            precision_of(state.range(1)));
}
BENCHMARK(BM_LoraStep768)
    ->ArgsProduct({{0, 1}, {0, 1}})
    ->ArgNames({"kept", "i16"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Batch and sequence length, outputs kept, with AdamW.
void BM_LoraCurve768(benchmark::State& state) {
  lora_step(state, Keep::kActivations, state.range(0), state.range(1), true, precision_of(state.range(2)));
}
BENCHMARK(BM_LoraCurve768)
    ->ArgsProduct({{1}, {128, 512, 1024, 2048, 4096}, {0, 1}})
    ->ArgsProduct({{2, 4, 8}, {512}, {0, 1}})
    ->ArgNames({"batch", "length", "i16"})
    ->Iterations(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// fast, lora: an adapter of r 64 beside every linear, as quantize makes it (not counted in the bytes).
void decode(benchmark::State& state, const reference::RandomModel& shape) {
  Bench b;
  if (state.range(1) == 1) b.ctx.decode_precision = DecodePrecision::kFast;
  Model model = model_of(b, shape);
  if (state.range(2) == 1) add_lora(b, model);
  Tensor logits = Tensor::empty(DType::kF32, {1, 32000});
  KvCache cache = model.make_cache(256);
  const auto x = ids(8, 32000);
  model.decode(b.ctx, b.ws, cache, x, matrix_of(logits));
  for (auto _ : state) {
    if (cache.length() == 256) cache.truncate(8);
    model.decode(b.ctx, b.ws, cache, std::span(x).first(1), matrix_of(logits));
  }
  const Weight& head = model.head().projection().weight();
  // Fast: bytes and a scale for each 64 (nn/rounded_weight.h).
  std::int64_t bytes = state.range(1) == 1 ? head.rows() * head.cols() / 16 * 17 : head.bytes();
  for (const Module& module : model.modules()) {
    if (!module.in_block()) continue;
    bytes += module.linear->weight().bytes();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
void BM_Decode1100M(benchmark::State& state) { decode(state, shape_1100m(static_cast<int>(state.range(0)))); }
BENCHMARK(BM_Decode1100M)
    ->ArgsProduct({{2, 3, 4}, {0, 1}, {0}})
    ->ArgsProduct({{4}, {0, 1}, {1}})
    ->ArgNames({"bits", "fast", "lora"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_DecodeTrellis1100M(benchmark::State& state) {
  decode(state, trellis_1100m(static_cast<int>(state.range(0))));
}
BENCHMARK(BM_DecodeTrellis1100M)
    ->ArgsProduct({{2, 3, 4}, {0, 1}, {0}})
    ->ArgNames({"bits", "fast", "lora"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_Prompt1100M(benchmark::State& state) {
  prompt(state, shape_1100m(static_cast<int>(state.range(0))), 256);
}
BENCHMARK(BM_Prompt1100M)
    ->ArgsProduct({{4}, {0, 1}})
    ->ArgNames({"bits", "i16"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

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
