// A matrix through a coder on the device.
#pragma once

#include <optional>
#include <vector>

#include "decompose/device_coder.h"
#include "device_fixture.h"

namespace lq::testing_support {

struct Coded {
  PackedMatrix packed;
  std::vector<float> values;
};

// Through a coder on the device, in place of the target.
inline Coded coded_there(Context& there, const std::vector<float>& w, std::int64_t m, std::int64_t n,
                         const Quantizer& quantizer, const Importance& importance) {
  const auto moved = [&](const float* values, std::int64_t count) {
    return copy_to_device(there,
                          Tensor::borrow(DType::kF32, {count}, reinterpret_cast<const std::byte*>(values)));
  };
  Tensor target = moved(w.data(), m * n);
  Tensor room = moved(w.data(), m * n);
  Tensor rows, cols;
  DeviceImportance sides;
  const ErrorWeights weights = importance.error_weights();
  if (weights.rows != nullptr) sides.rows = (rows = moved(weights.rows, m)).data<float>();
  if (weights.cols != nullptr) sides.cols = (cols = moved(weights.cols, n)).data<float>();
  std::optional<DeviceFactor> left, right;
  if (importance.left() != nullptr) sides.left = &left.emplace(there, *importance.left());
  if (importance.right() != nullptr) sides.right = &right.emplace(there, *importance.right());
  const auto coder = make_device_coder(there, m, n, quantizer, importance, sides);
  coder->round(target.data<float>(), room.mutable_data<float>(), target.mutable_data<float>());
  const Tensor host = copy_to_host(there, target);
  return {coder->packed(), {host.data<float>(), host.data<float>() + m * n}};
}

}  // namespace lq::testing_support
