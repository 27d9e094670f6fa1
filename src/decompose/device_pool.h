// Tensors of a CUDA device that come and go with every iteration: asking the driver for memory and giving it
// back would cost as much as the work on it.
#pragma once

#include <memory>

#include "tensor/device.h"
#include "tensor/tensor.h"

namespace lq {

// Memory given back is taken by the next tensor of its size; the last of pool and tensors gives it to the
// device. REQUIRES: all work on its tensors is in one queue; not thread-safe.
class DevicePool {
 public:
  explicit DevicePool(Device device);
  // f32, not initialized. Throws as ops/device_memory.h's empty_tensor.
  Tensor empty(Shape shape);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lq
