// Status codes of the CUDA runtime as errors.
#pragma once

#include <cuda_runtime_api.h>

namespace lq::backends::cuda {

// Throws Error(kInternal) that names what was tried and CUDA's own words; where the device is lost to this
// process, what to do about it too.
void check(cudaError_t status, const char* what);

// Whether the kernels that this program was built with run on the calling thread's device: cudaSuccess, or
// why not (elementwise.cu).
cudaError_t kernels_status();

}  // namespace lq::backends::cuda
