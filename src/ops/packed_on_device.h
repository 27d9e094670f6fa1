// Packed weights on any device.
#pragma once

#include <vector>

#include "backends/packed_view.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// A packed weight whose parts lie on one device and are owned.
struct PackedOnDevice {
  backends::PackedView view;
  std::vector<Tensor> parts;  // what the view points into
};

// A copy of a weight of the host on the context's device; owned, even where that is the processor. Throws
// Error(kInternal) where the weight lies on another device already.
PackedOnDevice copy_to_device(Context& ctx, const backends::PackedView& host);

}  // namespace lq
