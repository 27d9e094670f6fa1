// Error feedback between codes of a codebook on a CUDA device. All pointers, those of structures too, are
// memory of the queue's device; the work is queued. Builds without CUDA have the same symbols
// (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/codebook_rounding.h"
#include "backends/cuda/feedback_element.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// Regions that do not wait for one another: region k is panel first_panel - k of kFeedbackRows rows and
// group first_group + k of kFeedbackCols columns.
struct FeedbackWave {
  int count = 0;
  std::int64_t first_panel = 0;
  std::int64_t first_group = 0;
};

// Chooses the codes of all rows of one group of columns, rows for themselves. `passed` holds what they take
// on of the columns done; REQUIRES: no t.
void feedback_group(DeviceQueue& queue, const CodebookRounding& rounding, const CodebookFeedback& feedback,
                    std::int64_t group);
// Those of a wave's regions, from the last row to the first; `wanted` and `passed` hold what they take on of
// the rows and columns done. REQUIRES: t and e.
void feedback_wave(DeviceQueue& queue, const CodebookRounding& rounding, const CodebookFeedback& feedback,
                   const FeedbackWave& wave);

}  // namespace lq::backends::cuda
