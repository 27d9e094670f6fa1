// The one explicit stream of a device that a context's work is queued on. Internal to backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include "backends/cuda/check.h"
#include "tensor/device.h"

namespace lq {

struct DeviceQueue {
  int device = 0;
  cudaStream_t stream = nullptr;
};

namespace backends::cuda {

// Makes the queue's device the calling thread's and returns the stream.
inline cudaStream_t use(DeviceQueue& queue) {
  check(cudaSetDevice(queue.device), "choosing the device");
  return queue.stream;
}

}  // namespace backends::cuda
}  // namespace lq
