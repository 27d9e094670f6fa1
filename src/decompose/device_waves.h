// The order in which regions of a matrix are coded on a CUDA device where errors are passed on between them,
// and what each takes on of those done before (quant/error_panels.h, with more regions at a time).
#pragma once

#include <cstdint>
#include <functional>

#include "tensor/device.h"

namespace lq {

// All of it memory of the queue's device.
struct DeviceErrors {
  std::int64_t rows = 0, cols = 0;
  std::int64_t height = 0, width = 0;  // of a region
  const float* s = nullptr;            // [cols, cols]
  const float* t = nullptr;            // [rows, rows]; null: the identity
  const float* f = nullptr;            // [rows, cols]
  const float* e = nullptr;            // [rows, cols]; null without t
  float* below = nullptr;              // [rows, width]
  float* passed = nullptr;             // [rows, width]
};

// Region k lies in panel first_panel - k and in group first_group + k * group_step.
struct DeviceWave {
  int count = 0;
  std::int64_t first_panel = 0;
  std::int64_t first_group = 0;
  int group_step = 0;
};

// code(wave) for waves of regions that cover the matrix, each after all those that it takes errors from. Then
// passed = F S of the columns to the right of each region, and (with t) below = T^T E of the rows under it,
// at the rows of its panel. Without t a wave is a group of columns, all panels of it. Queued.
void code_waves(DeviceQueue& queue, const DeviceErrors& errors,
                const std::function<void(const DeviceWave&)>& code);

}  // namespace lq
