// A QLoRA step, decoding, and the decomposition of matrices on a CUDA device at Llama-2-7B's shape: two
// depths are timed, and the whole model's 32 layers follow from the difference; of the matrices each shape
// once. Prints "ROW | VALUE" lines; tools/device_check.sh runs it. usage: bench_device [LAYERS], by default
// 8: the deeper of the two; the other has half of them.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "backends/cuda/device.h"
#include "base/process.h"
#include "bench_context.h"
#include "decompose/decompose.h"
#include "decompose/device_alternation.h"
#include "models/placement.h"
#include "ops/device_memory.h"
#include "train/adamw.h"
#include "train/gradient_arena.h"
#include "train/gradients.h"
#include "train/lora_setup.h"
#include "train/trainer.h"

namespace lq {
namespace {

constexpr std::int64_t kLayers = 32;
constexpr std::int64_t kRank = 64;

reference::RandomModel shape_7b(std::int64_t layers, int bits) {
  return {4096, layers, 11008, 32, 32, 32000, 4096, bits};
}

// The device, and what runs on it.
struct OnDevice : Bench {
  OnDevice() : queue(open_device_queue({DeviceKind::kCuda, 0})) {
    ctx.device = {DeviceKind::kCuda, 0};
    ctx.queue = queue.get();
    ctx.matmul_precision = MatmulPrecision::kBf16;
    ctx.decode_precision = DecodePrecision::kFast;
  }
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue;
};

struct Timed {
  double seconds = 0.0;
  double gib = 0.0;  // of the device, in use
};

// Of one step, forward, backward and update.
Timed time_step(std::int64_t layers, int bits, std::int64_t rows, std::int64_t length) {
  OnDevice d;
  Model model = Model::load(d.ctx, bench_model(d, shape_7b(layers, bits)));
  lora_setup(d.ctx, model, {.rank = kRank});
  move_model(d.ctx, model, {.recomputes = true});
  const std::vector<Parameter*> parameters = model.trainable();
  GradientArena arena(d.ctx, parameters);
  AdamW optimizer(parameter_groups(parameters, {}), {});
  optimizer.to_device(d.ctx);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(rows * length));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(Rng(1).below(i, 32000));
  std::vector<std::int64_t> starts;
  for (std::int64_t r = 0; r <= rows; ++r) starts.push_back(r * length);
  const TokenBatch batch{ids, starts};
  const auto targets = next_token_targets(batch);
  std::vector<float> losses(ids.size());
  Workspace ws(d.ctx.device, empty_tensor);
  ModelTape tape;
  tape.keep = Keep::kBlocks;
  constexpr int kWarm = 2;
  constexpr int kRepeats = 3;
  Timed timed;
  for (int i = 0; i < kWarm + kRepeats; ++i) {
    const double begin = monotonic_seconds();
    arena.clear(d.ctx);
    model.losses_backward(d.ctx, ws, tape, batch, targets, 1.0F / static_cast<float>(ids.size()), losses);
    const double norm = gradient_norm(d.ctx, parameters);
    optimizer.step(d.ctx, 1e-4, clip_factor(norm, 1.0));
    backends::cuda::finish(*d.queue);
    if (i >= kWarm) timed.seconds += (monotonic_seconds() - begin) / kRepeats;
  }
  const auto memory = backends::cuda::memory(d.ctx.device);
  timed.gib = static_cast<double>(memory.total - memory.free) / (1 << 30);
  return timed;
}

// Of one token.
Timed time_token(std::int64_t layers, int bits) {
  OnDevice d;
  Model model = Model::load(d.ctx, bench_model(d, shape_7b(layers, bits)));
  move_model(d.ctx, model, {});
  Workspace ws(d.ctx.device, empty_tensor);
  KvCache cache = model.make_cache(1024);
  Scratch scratch(ws);
  const Matrix logits = scratch.matrix(1, model.spec().vocab);
  std::vector<std::int32_t> ids(256, 7);
  model.decode(d.ctx, ws, cache, ids, logits);
  constexpr int kWarm = 8;
  constexpr int kRepeats = 64;
  Timed timed;
  for (int i = 0; i < kWarm + kRepeats; ++i) {
    const double begin = monotonic_seconds();
    model.decode(d.ctx, ws, cache, std::span(ids).first(1), logits);
    backends::cuda::finish(*d.queue);
    if (i >= kWarm) timed.seconds += (monotonic_seconds() - begin) / kRepeats;
  }
  return timed;
}

// NF3, r 64, 25 iterations, packed: from a matrix in f32 of the host to codes and factors there.
double time_decomposition(std::int64_t rows, std::int64_t cols, double& error) {
  OnDevice d;
  std::vector<float> w(static_cast<std::size_t>(rows * cols));
  Rng(3).fill_normal(d.ctx.pool, w.data(), rows * cols);
  for (float& x : w) x *= 0.02F;
  const auto quantizer = make_quantizer({"nf", "3,8,fp32,64,256"});
  DecomposeOptions options;
  options.rank = kRank;
  options.max_iterations = 25;
  options.tolerance = 0.0;
  double best = 0.0;
  for (int i = 0; i < 3; ++i) {
    const double begin = monotonic_seconds();
    const Decomposition result = decompose(d.ctx, w.data(), rows, cols, *quantizer, options);
    const double seconds = monotonic_seconds() - begin;
    if (i == 1 || (i > 1 && seconds < best)) best = seconds;  // the first one warms up
    error = result.relative_error;
  }
  return best;
}

void decomposition_rows() {
  struct Shape {
    std::int64_t rows, cols, count;
  };
  double all = 0.0;
  for (const Shape& s : {Shape{4096, 4096, 4}, Shape{11008, 4096, 2}, Shape{4096, 11008, 1}}) {
    double error = 0.0;
    const double seconds = time_decomposition(s.rows, s.cols, error);
    all += static_cast<double>(kLayers * s.count) * seconds;
    std::printf(
        "LQ of %lld x %lld, NF3, r 64, 25 iterations, packed | %.1f ms (relative error %.6f; %.2f GiB)\n",
        static_cast<long long>(s.rows), static_cast<long long>(s.cols), seconds * 1e3, error,
        static_cast<double>(device_alternation_bytes(s.rows, s.cols, kRank, 10, false, false, false)) /
            (1 << 30));
    std::fflush(stdout);
  }
  std::printf("LQ of the 7B shape's 224 matrices, one after the other | %.1f s\n", all);
  std::fflush(stdout);
}

template <typename Measure>
void row(const std::string& what, std::int64_t deep, double tokens, const Measure& measure) {
  const Timed half = measure(deep / 2);
  const Timed whole = measure(deep);
  const double layer = (whole.seconds - half.seconds) / static_cast<double>(deep - deep / 2);
  const double all = whole.seconds + layer * static_cast<double>(kLayers - deep);
  const double gib = whole.gib + (whole.gib - half.gib) / static_cast<double>(deep - deep / 2) *
                                     static_cast<double>(kLayers - deep);
  std::printf("%s | %.0f tokens/s (%.2f ms; %lld layers %.2f ms%s)\n", what.c_str(), tokens / all, all * 1e3,
              static_cast<long long>(deep), whole.seconds * 1e3,
              whole.gib > 0.0 ? fmt::format("; {:.1f} GiB", gib).c_str() : "");
  std::fflush(stdout);
}

int run(std::int64_t deep) {
  const std::string trouble = backends::cuda::trouble({DeviceKind::kCuda, 0});
  if (!trouble.empty()) {
    std::printf("benchmarks | not run: %s\n", trouble.c_str());
    return 1;
  }
  decomposition_rows();
  for (const int bits : {4, 3, 2}) {
    row(fmt::format("one token, 7B shape, NF{}, 256 before it", bits), deep, 1.0,
        [&](std::int64_t layers) { return time_token(layers, bits); });
  }
  const std::pair<std::int64_t, std::int64_t> batches[] = {{4, 1024}, {1, 1024}, {16, 512}};
  for (const auto& [rows, length] : batches) {
    row(fmt::format("QLoRA step, 7B shape, NF4, r 64, {} x {}", rows, length), deep,
        static_cast<double>(rows * length),
        [&, r = rows, l = length](std::int64_t layers) { return time_step(layers, 4, r, l); });
  }
  row("QLoRA step, 7B shape, NF3, r 64, 4 x 1024", deep, 4096.0,
      [&](std::int64_t layers) { return time_step(layers, 3, 4, 1024); });
  setenv("LQ_CUDA_FOLD", "0", 1);
  row("the same by a product a weight (LQ_CUDA_FOLD=0)", deep, 4096.0,
      [&](std::int64_t layers) { return time_step(layers, 3, 4, 1024); });
  unsetenv("LQ_CUDA_FOLD");
  setenv("LQ_CUDA_GRAPHS", "0", 1);
  row("one token, 7B shape, NF4, 256 before it, without graphs", deep, 1.0,
      [&](std::int64_t layers) { return time_token(layers, 4); });
  row("QLoRA step, 7B shape, NF4, r 64, 1 x 1024, without graphs", deep, 1024.0,
      [&](std::int64_t layers) { return time_step(layers, 4, 1, 1024); });
  unsetenv("LQ_CUDA_GRAPHS");
  return 0;
}

}  // namespace
}  // namespace lq

int main(int argc, char** argv) { return lq::run(argc > 1 ? std::atoi(argv[1]) : 8); }
