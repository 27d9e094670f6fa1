// Where a job's matrices are decomposed or swept: on the device that the context names, if there is something
// for it to do and it has room.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "jobs/matrix_importance.h"
#include "jobs/select_matrices.h"
#include "quant/format_set.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

struct DecomposeWork {
  // What the device is given of one matrix.
  struct Matrix {
    std::int64_t rows = 0, cols = 0;
    std::int64_t rank = 0;
  };
  std::vector<Matrix> matrices;  // of the job, finished or not
  std::int64_t oversampling = 0;
  ImportanceKind importance = ImportanceKind::kNone;
  // Whether a device has something to do where there are no factors: a sweep quantizes again and again.
  bool quantizes_there = false;
  // Whether a device chooses codes one after another, which is work enough without factors.
  bool coder = false;
  // Whether the job calibrates first, which has its own say about the device.
  bool calibrates = false;
};

// Matrices with up to as many weights are done as soon on the processor: a device that is only a wish is not
// taken for them.
inline constexpr std::int64_t kDeviceWeights = std::int64_t{1} << 20;

// The context to compute with. Where the device would have nothing to do, or no room for the largest matrix:
// Error(kUnsupported) or Error(kIo) in one line if it was asked for; if it is a wish (--device auto), or
// where only small matrices are there for it, the processor's context with a note that says why. A wish stays
// one, for stages that choose for themselves. `who` begins what is said: "quantize".
Context choose_decompose_device(Context& ctx, const DecomposeWork& work, std::string_view who);

// How many matrices the device may have in flight, of which each takes as much as the largest of `work`:
// while it computes one, the processor reads, solves and packs others. At most `most`; 1 on the processor.
int device_lanes(Context& ctx, const DecomposeWork& work, int most);
// body(i, lane) for each i in [0, count), begun in this order, in so many lanes: each has a queue of the
// device of its own, and its share of the threads. What an i gives does not depend on the lanes. Throws what
// the first i that fails throws. REQUIRES: the context is on a device.
void run_on_device(Context& ctx, int lanes, std::int64_t count,
                   const std::function<void(std::int64_t i, Context& lane)>& body);

// Whether a device has a coder (decompose/device_coder.h) for codes of one of these formats.
bool has_device_coder(const FormatSet& formats, const QuantizerOptions& options);

// A note of how many of the matrices' codes the processor chooses although a device decomposes: formats that
// have no kernel, method gptq. Nothing on the processor.
void tell_codes_on_cpu(Context& ctx, const std::vector<const Quantizer*>& quantizers, std::string_view who);

}  // namespace lq
