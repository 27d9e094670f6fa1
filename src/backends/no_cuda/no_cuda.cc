// The symbols of backends/cuda in builds without CUDA: devices, memory, queues and repeated work.
#include "backends/cuda/device.h"
#include "backends/cuda/repeat.h"
#include "backends/no_cuda/refuse.h"

namespace lq::backends::cuda {

using no_cuda::refuse;

bool built_in() { return false; }
bool has_driver() { return false; }
std::vector<DeviceInfo> devices() { return {}; }
std::string trouble(Device /*device*/) { return "this build has no CUDA (cmake --preset cuda makes one)"; }
DeviceMemory memory(Device /*device*/) { refuse("memory"); }

void CloseQueue::operator()(DeviceQueue* /*queue*/) const {}
Queue open_queue(Device /*device*/) { refuse("a queue"); }
std::string product_library(DeviceQueue& /*queue*/) { refuse("products"); }
void keep_decoded(DeviceQueue& /*queue*/, std::size_t /*bytes*/) { refuse("memory"); }
void finish(DeviceQueue& /*queue*/) { refuse("waiting"); }
std::byte* allocate(Device /*device*/, std::size_t /*size*/) { refuse("memory"); }
void release(std::byte* /*bytes*/) {}
void copy_to_device(DeviceQueue& /*queue*/, const void* /*host*/, std::size_t /*size*/, void* /*device*/) {
  refuse("copy to the device");
}
void copy_to_host(DeviceQueue& /*queue*/, const void* /*device*/, std::size_t /*size*/, void* /*host*/) {
  refuse("copy to the host");
}
void copy_on_device(DeviceQueue& /*queue*/, const void* /*from*/, std::size_t /*size*/, void* /*to*/) {
  refuse("copy on the device");
}
void set_to_zero(DeviceQueue& /*queue*/, void* /*device*/, std::size_t /*size*/) {
  refuse("setting memory to zero");
}
void repeat(DeviceQueue& /*queue*/, const RepeatedWork& /*what*/,
            FunctionRef<std::shared_ptr<const void>()> /*prepare*/, FunctionRef<void(const void*)> /*work*/) {
  refuse("repeated work");
}
RepeatCounts repeat_counts(const DeviceQueue& /*queue*/) { refuse("repeated work"); }

}  // namespace lq::backends::cuda
