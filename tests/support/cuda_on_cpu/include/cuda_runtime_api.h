// The part of CUDA's runtime that backends/cuda calls, carried out on the processor
// (cuda_on_cpu/runtime_*.cc).
#pragma once

#include <cstddef>

#define LQ_ON_CPU __attribute__((visibility("default")))

struct cudaStreamOnCpu;
using cudaStream_t = cudaStreamOnCpu*;
struct cudaGraphOnCpu;
using cudaGraph_t = cudaGraphOnCpu*;
using cudaGraphExec_t = cudaGraphOnCpu*;

// Of the numbers that CUDA gives them, those that the backend tells apart.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorIllegalAddress = 700,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};
enum : unsigned { cudaStreamNonBlocking = 1 };

struct cudaDeviceProp {
  char name[256];
  int major, minor;
  std::size_t totalGlobalMem;
};
struct cudaFuncAttributes {
  int maxThreadsPerBlock;
};

extern "C" {
LQ_ON_CPU cudaError_t cudaGetDeviceCount(int* count);
LQ_ON_CPU cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
LQ_ON_CPU cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device);
LQ_ON_CPU cudaError_t cudaDriverGetVersion(int* version);
LQ_ON_CPU cudaError_t cudaRuntimeGetVersion(int* version);
LQ_ON_CPU cudaError_t cudaSetDevice(int device);
LQ_ON_CPU cudaError_t cudaGetLastError();
LQ_ON_CPU const char* cudaGetErrorString(cudaError_t error);
LQ_ON_CPU cudaError_t cudaMalloc(void** bytes, std::size_t size);
LQ_ON_CPU cudaError_t cudaFree(void* bytes);
LQ_ON_CPU cudaError_t cudaMallocHost(void** bytes, std::size_t size);
LQ_ON_CPU cudaError_t cudaFreeHost(void* bytes);
LQ_ON_CPU cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
LQ_ON_CPU cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind,
                                      cudaStream_t stream);
LQ_ON_CPU cudaError_t cudaMemsetAsync(void* to, int value, std::size_t size, cudaStream_t stream);
LQ_ON_CPU cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
LQ_ON_CPU cudaError_t cudaStreamDestroy(cudaStream_t stream);
LQ_ON_CPU cudaError_t cudaStreamSynchronize(cudaStream_t stream);
LQ_ON_CPU cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
LQ_ON_CPU cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
LQ_ON_CPU cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph,
                                                    unsigned long long flags);
LQ_ON_CPU cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
LQ_ON_CPU cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
LQ_ON_CPU cudaError_t cudaGraphDestroy(cudaGraph_t graph);
LQ_ON_CPU cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function);
}
