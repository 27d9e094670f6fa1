// The symbols of backends/cuda in builds without CUDA.
#include "backends/cuda/device.h"
#include "backends/cuda/nf_decode.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

[[noreturn]] void refuse(const char* what) {
  fail(ErrorCode::kUnsupported, "[cuda] {}: this build has no CUDA (cmake --preset cuda makes one)", what);
}

}  // namespace

bool built_in() { return false; }

std::vector<DeviceInfo> devices() { return {}; }

DeviceBytes::DeviceBytes(std::size_t /*size*/) { refuse("memory"); }

DeviceBytes::DeviceBytes(const void* /*host*/, std::size_t size) : DeviceBytes(size) {}

DeviceBytes::~DeviceBytes() = default;

void DeviceBytes::download(void* /*host*/, std::size_t /*size*/) const { refuse("copy to the host"); }

void nf_dequantize(const NfView& /*view*/, float* /*out*/) { refuse("nf_dequantize"); }

}  // namespace lq::backends::cuda
