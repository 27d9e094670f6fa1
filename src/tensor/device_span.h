// A view of consecutive elements that knows the device they lie on: std::span with a Device.
#pragma once

#include <cstddef>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "tensor/device.h"

namespace lq {

template <typename T>
class DeviceSpan {
 public:
  using Value = std::remove_const_t<T>;

  DeviceSpan() = default;
  DeviceSpan(T* data, std::size_t size, Device device = {}) : data_(data), size_(size), device_(device) {}
  // NOLINTBEGIN(google-explicit-constructor): host memory is meant to convert.
  DeviceSpan(std::span<T> host) : DeviceSpan(host.data(), host.size()) {}
  DeviceSpan(std::span<Value> host) requires std::is_const_v<T> : DeviceSpan(host.data(), host.size()) {}
  DeviceSpan(std::vector<Value>& host) : DeviceSpan(host.data(), host.size()) {}
  DeviceSpan(const std::vector<Value>& host) requires std::is_const_v<T>
      : DeviceSpan(host.data(), host.size()) {}
  // A template, for otherwise it would be the copy constructor where T is not const.
  template <typename U>
  requires(std::is_const_v<T>&& std::is_same_v<U, Value>) DeviceSpan(const DeviceSpan<U>& other)
      : DeviceSpan(other.data(), other.size(), other.device()) {}
  // As host memory. Throws Error(kInternal) unless it lies on the processor.
  operator std::span<T>() const {
    LQ_CHECK(device_.is_cpu(), kInternal, "[tensor] numbers on {} were taken for host memory",
             device_text(device_));
    return {data_, size_};
  }
  // NOLINTEND(google-explicit-constructor)

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Device device() const { return device_; }
  DeviceSpan subspan(std::size_t begin, std::size_t count) const { return {data_ + begin, count, device_}; }

  // REQUIRES: device().is_cpu().
  T& operator[](std::size_t i) const { return data_[i]; }
  // Turned round twice: std::span then does not take this for a range of host memory, past the check above.
  using Iterator = std::reverse_iterator<std::reverse_iterator<T*>>;
  Iterator begin() const { return Iterator(std::reverse_iterator<T*>(data_)); }
  Iterator end() const { return Iterator(std::reverse_iterator<T*>(data_ + size_)); }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
  Device device_;
};

using Vector = DeviceSpan<float>;
using ConstVector = DeviceSpan<const float>;

}  // namespace lq
