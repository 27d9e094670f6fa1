#include "decompose/device_pool.h"

#include <algorithm>
#include <map>
#include <utility>

#include "backends/cuda/device.h"

namespace lq {

struct DevicePool::State {
  Device device;
  std::multimap<std::size_t, std::byte*> free;  // by size

  explicit State(Device d) : device(d) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const auto& [size, bytes] : free) backends::cuda::release(bytes);
  }

  std::byte* take(std::size_t size) {
    const auto found = free.find(size);
    if (found == free.end()) return backends::cuda::allocate(device, size);
    std::byte* const bytes = found->second;
    free.erase(found);
    return bytes;
  }
};

DevicePool::DevicePool(Device device) : state_(std::make_shared<State>(device)) {}

Tensor DevicePool::empty(Shape shape) {
  const auto count = static_cast<std::size_t>(checked_numel(shape, "tensor"));
  const std::size_t size = std::max<std::size_t>(1, count * dtype_size(DType::kF32));
  std::shared_ptr<std::byte> bytes(
      state_->take(size), [state = state_, size](std::byte* given) { state->free.emplace(size, given); });
  return Tensor::adopt(DType::kF32, std::move(shape), state_->device, std::move(bytes));
}

}  // namespace lq
