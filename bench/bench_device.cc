// A QLoRA step, decoding, decomposition and calibration on a CUDA device at Llama-2's shapes: two depths are
// timed, and the whole model's layers follow from the difference. Prints "ROW | VALUE" lines, the most wanted
// first, for who stops it early; tools/device_check.sh runs it. usage: bench_device [LAYERS], by default 8:
// the deeper of the two; the other has half of them. The temporary folder takes some 15 GB.
#include <algorithm>
#include <cstdlib>
#include <exception>

#include "device_bench.h"
#include "device_calibration.h"
#include "device_decomposition.h"
#include "train/adamw.h"
#include "train/gradient_arena.h"
#include "train/gradients.h"
#include "train/lora_setup.h"
#include "train/trainer.h"

namespace lq {
namespace {

using Make = reference::RandomModel (*)(std::int64_t layers);

reference::RandomModel nf4_7b(std::int64_t layers) { return shape_7b(layers, 4); }

struct Batch {
  std::int64_t rows, length;
};
const std::vector<Batch> kBatches = {{1, 1024}, {4, 1024}, {16, 512}};  // growing: memory is never given back

// Of one step each, forward, backward and update.
std::vector<Timed> time_steps(const reference::RandomModel& shape, const std::vector<Batch>& batches) {
  OnDevice d;
  Model model = Model::load(d.ctx, bench_model(d, shape));
  lora_setup(d.ctx, model, {.rank = kRank});
  move_model(d.ctx, model, {.recomputes = true});
  const std::vector<Parameter*> parameters = model.trainable();
  GradientArena arena(d.ctx, parameters);
  AdamW optimizer(parameter_groups(parameters, {}), {});
  optimizer.to_device(d.ctx);
  Workspace ws(d.ctx.device, empty_tensor);
  std::vector<Timed> all;
  for (const Batch& b : batches) {
    const std::vector<std::int32_t> ids = random_ids(b.rows * b.length);
    std::vector<std::int64_t> starts;
    for (std::int64_t r = 0; r <= b.rows; ++r) starts.push_back(r * b.length);
    const TokenBatch batch{ids, starts};
    const auto targets = next_token_targets(batch);
    std::vector<float> losses(ids.size());
    ModelTape tape;
    tape.keep = Keep::kBlocks;
    constexpr int kWarm = 3;  // launch by launch, as a graph that is captured, and that graph once more
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
    all.push_back(timed);
  }
  return all;
}

// what: of the model and its rank.
void step_rows(const std::string& what, Make make, const Depth& depth, const std::vector<Batch>& batches) {
  const std::vector<Timed> half = time_steps(make(depth.half), batches);
  const std::vector<Timed> deep = time_steps(make(depth.deep), batches);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Timed all = depth.scaled(half[i], deep[i]);
    print_row(fmt::format("QLoRA step, {}, r 64, {} x {}", what, batches[i].rows, batches[i].length),
              fmt::format("{:.0f} tokens/s ({:.1f} ms; {} layers {:.1f} ms; {:.1f} GiB)",
                          static_cast<double>(batches[i].rows * batches[i].length) / all.seconds,
                          all.seconds * 1e3, depth.deep, deep[i].seconds * 1e3, all.gib));
  }
}

// Of one token with 256 before it.
Timed time_token(const reference::RandomModel& shape) {
  OnDevice d;
  Model model = Model::load(d.ctx, bench_model(d, shape));
  move_model(d.ctx, model, {.tiles = true});  // as the verb generate has it
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

void token_row(const std::string& what, int bits, const Depth& depth) {
  const Timed deep = time_token(shape_7b(depth.deep, bits));
  const Timed all = depth.scaled(time_token(shape_7b(depth.half, bits)), deep);
  print_row(fmt::format("one token, 7B shape, NF{}, 256 before it{}", bits, what),
            fmt::format("{:.0f} tokens/s ({:.2f} ms; {} layers {:.2f} ms)", 1.0 / all.seconds,
                        all.seconds * 1e3, depth.deep, deep.seconds * 1e3));
}

// With an environment variable that is set meanwhile.
template <typename Rows>
void with_setting(const char* name, const Rows& rows) {
  setenv(name, "0", 1);
  rows();
  unsetenv(name);
}

int run(std::int64_t layers) {
  const std::string trouble = backends::cuda::trouble({DeviceKind::kCuda, 0});
  if (!trouble.empty()) {
    print_row("benchmarks", "not run: " + trouble);
    return 1;
  }
  const std::int64_t deep = std::max<std::int64_t>(2, layers);
  const Depth depth{deep / 2, deep, kLayers7b};
  int failures = 0;
  // Another row's failure is no reason to leave out the rest.
  const auto rows = [&](const char* what, const auto& measure) {
    try {
      measure();
    } catch (const std::exception& e) {
      print_row(what, fmt::format("FAILED: {}", e.what()));
      ++failures;
    }
  };
  rows("QLoRA step, NF4", [&] { step_rows("7B shape, NF4", nf4_7b, depth, kBatches); });
  rows("one token", [&] {
    for (const int bits : {4, 3, 2}) token_row("", bits, depth);
  });
  rows("decomposition", [] { decomposition_rows(); });
  rows("QLoRA step, 2.75 bits", [&] { step_rows("7B shape, 2.75 bits", mixed_7b, depth, kBatches); });
  rows("QLoRA step, 70B", [&] {
    step_rows("70B shape, 2.75 bits", mixed_70b, {deep / 2, deep, kLayers70b}, {{1, 4096}});
  });
  rows("calibrate", [] { calibration_row(); });
  rows("LQ_CUDA_GRAPHS=0", [&] {
    with_setting("LQ_CUDA_GRAPHS", [&] {
      token_row(", without graphs", 4, depth);
      step_rows("7B shape, NF4, without graphs", nf4_7b, depth, {{1, 1024}});
    });
  });
  rows("LQ_CUDA_FOLD=0", [&] {
    with_setting("LQ_CUDA_FOLD", [&] {
      step_rows("7B shape, NF4, a product a weight", nf4_7b, depth, {{4, 1024}});
    });
  });
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lq

int main(int argc, char** argv) { return lq::run(argc > 1 ? std::atoi(argv[1]) : 8); }
