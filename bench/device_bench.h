// What the benchmarks of a CUDA device share: shapes of Llama-2, the device, and how a whole model's time
// follows from two depths of it. Rows are printed as "ROW | VALUE".
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "backends/cuda/device.h"
#include "base/process.h"
#include "bench_context.h"
#include "models/placement.h"
#include "ops/device_memory.h"

namespace lq {

constexpr std::int64_t kRank = 64;
constexpr std::int64_t kVocab = 32000;
constexpr std::int64_t kLayers7b = 32;
constexpr std::int64_t kLayers70b = 80;

// Every block has the first one's weights: they are made once, and take as long as others. bits 0: dense.
inline reference::RandomModel shape_7b(std::int64_t layers, int bits) {
  reference::RandomModel m{4096, layers, 11008, 32, 32, kVocab, 4096, bits};
  m.same_blocks = true;
  return m;
}
// 2.74 bits a weight with scales: 3 bits, but 2 where a budget of 2.75 has no room for them.
inline reference::RandomModel mixed_7b(std::int64_t layers) {
  reference::RandomModel m = shape_7b(layers, 3);
  for (const char* name : {"q_proj", "k_proj", "down_proj"}) m.choices[name] = "nf 2,8,fp32,64,256";
  return m;
}
// 2.75 bits a weight with scales.
inline reference::RandomModel mixed_70b(std::int64_t layers) {
  reference::RandomModel m{8192, layers, 28672, 64, 8, kVocab, 4096, 3};
  m.same_blocks = true;
  for (const char* name : {"q_proj", "k_proj", "v_proj", "down_proj"}) m.choices[name] = "nf 2,8,fp32,64,256";
  return m;
}

// The device, and what runs on it.
struct OnDevice : Bench {
  OnDevice() : queue(open_device_queue({DeviceKind::kCuda, 0})) { use(ctx); }
  void use(Context& context) {
    context.device = {DeviceKind::kCuda, 0};
    context.queue = queue.get();
    context.matmul_precision = MatmulPrecision::kBf16;
    context.decode_precision = DecodePrecision::kFast;
  }
  std::unique_ptr<DeviceQueue, CloseDeviceQueue> queue;
};

struct Timed {
  double seconds = 0.0;
  double gib = 0.0;  // of the device, in use
};

// Of all layers, by two depths that were timed.
struct Depth {
  std::int64_t half, deep, all;
  Timed scaled(const Timed& at_half, const Timed& at_deep) const {
    const double more = static_cast<double>(all - deep) / static_cast<double>(deep - half);
    return {at_deep.seconds + (at_deep.seconds - at_half.seconds) * more,
            at_deep.gib + (at_deep.gib - at_half.gib) * more};
  }
};

inline void print_row(const std::string& what, const std::string& value) {
  std::printf("%s | %s\n", what.c_str(), value.c_str());
  std::fflush(stdout);
}

inline std::vector<std::int32_t> random_ids(std::int64_t count) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(Rng(1).below(i, kVocab));
  return ids;
}

}  // namespace lq
