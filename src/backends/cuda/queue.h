// The one explicit stream of a device that a context's work is queued on, and what that work keeps between
// ops. Internal to backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>

#include "backends/cuda/check.h"
#include "backends/cuda/decoded_ring.h"
#include "backends/cuda/memory.h"
#include "tensor/device.h"

namespace lq {

namespace backends::cuda {
class Blas;            // backends/cuda/blas.h
class CudnnAttention;  // backends/cuda/cudnn_attention.h
class Graphs;          // backends/cuda/graph.h
}  // namespace backends::cuda

struct DeviceQueue {
  int device = 0;
  cudaStream_t stream = nullptr;
  int processors = 1;  // multiprocessors
  int capability = 0;  // 10 * major + minor
  std::array<backends::cuda::DeviceBytes, static_cast<std::size_t>(backends::cuda::Buffer::kCount)> buffers;
  backends::cuda::Uploads uploads;
  backends::cuda::DecodedRing decoded;
  backends::cuda::DeviceBytes decoded_bytes;
  backends::cuda::Blas* blas = nullptr;             // owned; null where cuBLAS is not there
  backends::cuda::CudnnAttention* cudnn = nullptr;  // owned; null until it is asked for
  backends::cuda::Graphs* graphs = nullptr;         // owned; never null
  bool folds = true;                                // low-rank parts into large products (folded.h)

  bool has_bf16() const { return capability >= 80; }
};

namespace backends::cuda {

// Makes the queue's device the calling thread's and returns the stream.
inline cudaStream_t use(DeviceQueue& queue) {
  check(cudaSetDevice(queue.device), "choosing the device");
  return queue.stream;
}

}  // namespace backends::cuda
}  // namespace lq
