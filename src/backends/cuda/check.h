// Status codes of the CUDA runtime as errors.
#pragma once

#include <cuda_runtime_api.h>

namespace lq::backends::cuda {

// Throws Error(kInternal) that names what was tried and CUDA's own words; where the device is lost to this
// process, what to do about it too.
void check(cudaError_t status, const char* what);

}  // namespace lq::backends::cuda
