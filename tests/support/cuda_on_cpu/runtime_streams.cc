// Streams, their captures, and the graphs that come of them.
#include "runtime_streams.h"

#include <utility>
#include <vector>

#include "runtime_card.h"

struct cudaGraphOnCpu {
  std::vector<std::function<cudaError_t()>> work;
};
struct cudaStreamOnCpu {
  bool capturing = false;
  bool invalid = false;  // the capture, by a call that it does not allow
  cudaGraphOnCpu captured;
};

namespace cuda_on_cpu {

namespace {

thread_local cudaStreamOnCpu* captured_here = nullptr;  // the stream that this thread captures

}  // namespace

bool capturing(const cudaStreamOnCpu* stream) { return stream != nullptr && stream->capturing; }

cudaError_t record(cudaStreamOnCpu* stream, std::function<cudaError_t()> work) {
  if (stream->invalid) return failed(cudaErrorStreamCaptureInvalidated);
  stream->captured.work.push_back(std::move(work));
  return cudaSuccess;
}

bool refused_in_capture() {
  if (captured_here == nullptr) return false;
  captured_here->invalid = true;
  return true;
}

// For cublas.cc and cudnn.cc: keeps `work` for later where the stream is captured. Else false.
extern "C" LQ_ON_CPU bool lq_cpu_card_record(void* stream, std::function<void()>* work) {
  auto* const s = static_cast<cudaStreamOnCpu*>(stream);
  if (!capturing(s)) return false;
  record(s, [work = *work] {
    work();
    return cudaSuccess;
  });
  return true;
}

}  // namespace cuda_on_cpu

namespace {

using namespace cuda_on_cpu;

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new cudaStreamOnCpu;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (capturing(stream)) {
    stream->invalid = true;
    return failed(cudaErrorStreamCaptureUnsupported);
  }
  return lost() ? failed(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capturing || captured_here != nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  captured_here = stream;
  stream->capturing = true;
  stream->invalid = false;
  stream->captured.work.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (captured_here != stream) return failed(cudaErrorStreamCaptureUnsupported);
  captured_here = nullptr;
  stream->capturing = false;
  if (stream->invalid) return failed(cudaErrorStreamCaptureInvalidated);
  *graph = new cudaGraphOnCpu(std::move(stream->captured));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new cudaGraphOnCpu(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (capturing(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  for (const auto& work : exec->work) {
    if (const cudaError_t error = work(); error != cudaSuccess) return failed(error);
  }
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
}
