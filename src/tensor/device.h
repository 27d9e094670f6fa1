// Where numbers lie and where arithmetic on them runs.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lq {

enum class DeviceKind : std::uint8_t { kCpu, kCuda };

struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  std::uint8_t index = 0;  // among the devices of its kind; 0 for the processor

  bool is_cpu() const { return kind == DeviceKind::kCpu; }
  // Written out, for CUDA's compiler reads this as C++17.
  friend bool operator==(Device a, Device b) { return a.kind == b.kind && a.index == b.index; }
  friend bool operator!=(Device a, Device b) { return !(a == b); }
};

// "cpu", "cuda:0".
std::string device_text(Device device);
// The device of "cpu", "cuda" (its first) or "cuda:N". Throws Error(kInvalidArgument) naming the text for
// others. Whether the machine has that device is not asked.
Device device_from_text(std::string_view text);

// What is queued on a device that works by itself, in order. Made and defined by its backend
// (backends/cuda/device.h).
struct DeviceQueue;

struct NamedDevice {
  std::string_view name;
  Device device;
};

// The device that all operands lie on. Throws Error(kMismatch) that names the op and the first two operands
// that lie apart: "[ops] rms_norm: x is on cpu, w on cuda:0". REQUIRES: at least one operand.
Device common_device(std::string_view op, std::initializer_list<NamedDevice> operands);

}  // namespace lq
