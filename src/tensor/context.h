// What every computation is given: a device, threads, randomness, and a way to be stopped. Passed, never
// found.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/stop.h"
#include "tensor/device.h"

namespace lq {

// How packed weights of up to 4 bits are multiplied by a single vector, as decoding does. kFine: within 1e-4
// of the dequantized weights. kFast: activations and codebook rounded to 8 bits or less, about 1 % of the
// product (backends/cpu/nf_gemv.h), and a packed model's low-rank parts and vocabulary projection rounded to
// 8 bits.
enum class DecodePrecision : std::uint8_t { kFine, kFast };

// How a linear layer's matrix is multiplied by many rows, forward and backward. kF32: in f32. kI16: both
// sides rounded to 16-bit integers with a scale for each 64 (backends/cpu/gemm_i16_kernel.h): an error of
// 2e-4 of the product of the norms, less than TF32's, in two thirds of the time at best; on the processor
// only. kTf32, kBf16: both sides rounded to 10 or 7 bits of mantissa, sums in f32; on CUDA devices only,
// where attention's products go by it too.
enum class MatmulPrecision : std::uint8_t { kF32, kI16, kTf32, kBf16 };

class Collective;  // dist/collective.h

// Cheap to copy; REQUIRES: pool, progress, queue and collective outlive it.
struct Context {
  ThreadPool& pool;
  Progress& progress;
  std::uint64_t seed = 0;
  StopToken stop;
  DecodePrecision decode_precision = DecodePrecision::kFine;
  MatmulPrecision matmul_precision = MatmulPrecision::kF32;
  Device device = {};                // where new tensors and scratch lie; an op runs where its operands lie
  DeviceQueue* queue = nullptr;      // of that device; null on the processor
  bool device_is_wish = false;       // a job that does not fit there computes on the processor
  Collective* collective = nullptr;  // null: this process is alone
};

}  // namespace lq
