// The symbols of backends/cuda in builds without CUDA.
#include "backends/cuda/device.h"
#include "backends/cuda/elementwise.h"
#include "backends/cuda/norm.h"
#include "backends/cuda/product.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

[[noreturn]] void refuse(const char* what) {
  fail(ErrorCode::kUnsupported, "[cuda] {}: this build has no CUDA (cmake --preset cuda makes one)", what);
}

}  // namespace

bool built_in() { return false; }
std::vector<DeviceInfo> devices() { return {}; }

void CloseQueue::operator()(DeviceQueue* /*queue*/) const {}
Queue open_queue(Device /*device*/) { refuse("a queue"); }
std::byte* allocate(Device /*device*/, std::size_t /*size*/) { refuse("memory"); }
void release(std::byte* /*bytes*/) {}
void copy_to_device(DeviceQueue& /*queue*/, const void* /*host*/, std::size_t /*size*/, void* /*device*/) {
  refuse("copy to the device");
}
void copy_to_host(DeviceQueue& /*queue*/, const void* /*device*/, std::size_t /*size*/, void* /*host*/) {
  refuse("copy to the host");
}
void set_to_zero(DeviceQueue& /*queue*/, void* /*device*/, std::size_t /*size*/) {
  refuse("setting memory to zero");
}

void rms_norm_forward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                      const float* /*x*/, const float* /*w*/, float /*eps*/, float* /*y*/, float* /*rstd*/) {
  refuse("rms_norm_forward");
}
void rms_norm_backward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                       const float* /*x*/, const float* /*w*/, const float* /*rstd*/, const float* /*dy*/,
                       float* /*dx*/, float* /*dw*/) {
  refuse("rms_norm_backward");
}

void silu_mul_forward(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*gate*/, const float* /*up*/,
                      float* /*out*/) {
  refuse("silu_mul_forward");
}
void silu_mul_backward(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*gate*/, const float* /*up*/,
                       const float* /*dout*/, float* /*dgate*/, float* /*dup*/) {
  refuse("silu_mul_backward");
}

void multiply(DeviceQueue& /*queue*/, const Product& /*product*/) { refuse("a product"); }
void packed_decode(DeviceQueue& /*queue*/, const PackedView& /*w*/, std::int64_t /*begin*/,
                   std::int64_t /*count*/, float* /*out*/) {
  refuse("decoding a weight");
}

}  // namespace lq::backends::cuda
