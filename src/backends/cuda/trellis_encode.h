// Encoding of a matrix in a trellis code on a CUDA device. All pointers, those of structures too, are memory
// of the queue's device; the work is queued. Builds without CUDA have the same symbols (backends/no_cuda),
// which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/cuda/quantize.h"
#include "backends/cuda/trellis_tile_element.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// Most that pointers of paths take in a queue (or one tile's, where that is more).
inline constexpr std::int64_t kPathBytes = std::int64_t{64} << 20;

// Sets offset and both levels of scales to what the blocks of target [rows, cols] ask for: the processor's
// bits, but where two widths of a code err alike to the last bit of a double. col_weights: [cols], or null.
// room: [rows * blocks].
void trellis_scales(DeviceQueue& queue, const float* target, const float* col_weights,
                    const TrellisCodes& codes, float* room);

// Sets the codes of all tiles, each for itself, to paths of codes.state_bits under the scales that there are:
// the processor's bits. The sums that a fit takes, where they are not null.
void trellis_tiles(DeviceQueue& queue, const float* target, const RoundingWeights& weights,
                   const TrellisCodes& codes, const TrellisFitSums& fit);

// Sets first-level scales nearest to the fit.
void trellis_refit(DeviceQueue& queue, const TrellisFitSums& fit, const TrellisCodes& codes);

// Codes the regions of a wave, from their last tile to their first, and fits the scales of their blocks
// (quant/trellis/trellis_feedback.h). `below` (with t) and `passed` hold what the regions take on of those
// done; f and e get their errors. The processor's bits for the same `below` and `passed`, but for sums over
// the errors of a region's own tiles.
void trellis_regions(DeviceQueue& queue, const TrellisFeedback& feedback, const TrellisWave& wave);

}  // namespace lq::backends::cuda
