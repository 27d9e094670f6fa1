// Codes of one matrix that are chosen one after another on a CUDA device: those of a trellis code, and with
// error feedback those of a codebook. Codes of codebooks that are chosen each for itself need no more than
// backends/cuda/quantize.h.
#pragma once

#include <cstdint>
#include <memory>

#include "decompose/device_factor.h"
#include "decompose/importance.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

// What codes are chosen by, on the device; any may be null. The factors are of the importance's sides.
struct DeviceImportance {
  const float* rows = nullptr;  // what squared errors count by: [rows]
  const float* cols = nullptr;  // [cols]
  const DeviceFactor* left = nullptr;
  const DeviceFactor* right = nullptr;
};

class DeviceCoder {
 public:
  virtual ~DeviceCoder() = default;
  // q[rows, cols] = target[rows, cols], finite, rounded. room: [rows, cols], with a right factor. q may be
  // the target, or room no other.
  virtual void round(const float* target, float* room, float* q) = 0;
  // The packed matrix whose values the last round() gave. Waits.
  virtual PackedMatrix packed() = 0;
};

// Whether make_device_coder() has a coder for the quantizer's codes.
bool has_device_coder(const Quantizer& quantizer);
// Null where it has none. Borrows everything.
std::unique_ptr<DeviceCoder> make_device_coder(Context& context, std::int64_t rows, std::int64_t cols,
                                               const Quantizer& quantizer, const Importance& importance,
                                               const DeviceImportance& there);
// Bytes of a device that any coder takes at most. left, right: whether the importance has such factors.
std::int64_t device_coder_bytes(std::int64_t rows, std::int64_t cols, bool left, bool right);

}  // namespace lq
