#include "decompose/device_coder.h"

#include <algorithm>

#include "decompose/device_feedback.h"
#include "decompose/device_trellis.h"

namespace lq {

bool has_device_coder(const Quantizer& quantizer) {
  const auto codebook = quantizer.codebook_rounding();
  return quantizer.trellis_rounding().has_value() || (codebook.has_value() && codebook->feedback);
}

std::unique_ptr<DeviceCoder> make_device_coder(Context& context, std::int64_t rows, std::int64_t cols,
                                               const Quantizer& quantizer, const Importance& importance,
                                               const DeviceImportance& there) {
  if (!has_device_coder(quantizer)) return nullptr;
  if (quantizer.trellis_rounding().has_value())
    return std::make_unique<DeviceTrellis>(context, rows, cols, quantizer, importance, there);
  return std::make_unique<DeviceFeedback>(context, rows, cols, quantizer, importance, there);
}

std::int64_t device_coder_bytes(std::int64_t rows, std::int64_t cols, bool left, bool right) {
  return std::max(DeviceTrellis::bytes(rows, cols, left, right),
                  right ? DeviceFeedback::bytes(rows, cols, left) : 0);
}

}  // namespace lq
