#include "tensor/device.h"

#include <charconv>

#include "base/error.h"

namespace lq {

std::string device_text(Device device) {
  return device.is_cpu() ? "cpu" : fmt::format("cuda:{}", unsigned{device.index});
}

Device device_from_text(std::string_view text) {
  if (text == "cpu") return {};
  if (text == "cuda") return {DeviceKind::kCuda, 0};
  constexpr std::string_view kPrefix = "cuda:";
  if (text.starts_with(kPrefix)) {
    const char* const end = text.data() + text.size();
    std::uint8_t index = 0;
    const auto [last, status] = std::from_chars(text.data() + kPrefix.size(), end, index);
    if (status == std::errc() && last == end) return {DeviceKind::kCuda, index};
  }
  fail(ErrorCode::kInvalidArgument, "device is '{}', but cpu, cuda or cuda:N was expected", text);
}

Device common_device(std::string_view op, std::initializer_list<NamedDevice> operands) {
  const NamedDevice& first = *operands.begin();
  for (const NamedDevice& other : operands) {
    LQ_CHECK(other.device == first.device, kMismatch, "[ops] {}: {} is on {}, {} on {}", op, first.name,
             device_text(first.device), other.name, device_text(other.device));
  }
  return first.device;
}

}  // namespace lq
