// Captures of a stream: work that is kept, and done when its graph is launched.
#pragma once

#include <functional>

#include "include/cuda_runtime_api.h"

namespace cuda_on_cpu {

bool capturing(const cudaStreamOnCpu* stream);

// Keeps `work` for the graph of a stream that is captured.
cudaError_t record(cudaStreamOnCpu* stream, std::function<cudaError_t()> work);

// For what a thread that captures may not call: whether this one does. Its capture is then invalid.
bool refused_in_capture();

}  // namespace cuda_on_cpu
