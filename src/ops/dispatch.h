// How an op chooses where it runs: its operands lie on one device, and one switch asks that device's backend.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tensor/context.h"
#include "tensor/device.h"

namespace lq {

// For an op with a body on the processor only. Throws Error(kMismatch) where operands lie apart
// (common_device), Error(kUnsupported) naming the op and the device where they lie elsewhere.
void cpu_only(std::string_view op, std::initializer_list<NamedDevice> operands);

// The queue of the device that an op's operands lie on. Throws Error(kMismatch) naming the op where that is
// not the context's device, Error(kInternal) where the context has no queue.
DeviceQueue& queue_of(Context& ctx, std::string_view op, Device device);

}  // namespace lq
