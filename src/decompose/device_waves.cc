#include "decompose/device_waves.h"

#include <algorithm>

#include "backends/cuda/device.h"
#include "decompose/device_product.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

struct WaveRegion {
  std::int64_t row, rows, col, cols;
};

void set_rows_to_zero(DeviceQueue& queue, const DeviceErrors& q, const WaveRegion& g, float* x) {
  cuda::set_to_zero(queue, x + g.row * q.width, static_cast<std::size_t>(g.rows * q.width) * sizeof(float));
}

void take_on(DeviceQueue& queue, const DeviceErrors& q, const WaveRegion& g) {
  const std::int64_t right = g.col + g.cols;
  float* const passed = q.passed + g.row * q.width;
  if (right < q.cols) {
    cuda::multiply(queue,
                   dense_product(g.rows, g.cols, q.cols - right, {q.f + g.row * q.cols + right, q.cols},
                                 {q.s + right * q.cols + g.col, q.cols}, passed, q.width));
  } else {
    set_rows_to_zero(queue, q, g, q.passed);
  }
  if (q.t == nullptr) return;
  const std::int64_t under = g.row + g.rows;
  if (under == q.rows) return set_rows_to_zero(queue, q, g, q.below);
  cuda::Product p = dense_product(g.rows, g.cols, q.rows - under, {q.t + under * q.rows + g.row, q.rows},
                                  {q.e + under * q.cols + g.col, q.cols}, q.below + g.row * q.width, q.width);
  p.trans_a = true;
  cuda::multiply(queue, p);
}

}  // namespace

void code_waves(DeviceQueue& queue, const DeviceErrors& q,
                const std::function<void(const DeviceWave&)>& code) {
  const std::int64_t down = (q.rows + q.height - 1) / q.height;
  const std::int64_t across = (q.cols + q.width - 1) / q.width;
  const auto cols_of = [&](std::int64_t g) { return std::min(q.width, q.cols - g * q.width); };
  if (q.t == nullptr) {
    for (std::int64_t g = across - 1; g >= 0; --g) {
      take_on(queue, q, {0, q.rows, g * q.width, cols_of(g)});
      code({static_cast<int>(down), down - 1, g, 0});
    }
    return;
  }
  for (std::int64_t n = 0; n < down + across - 1; ++n) {
    const std::int64_t first = std::max<std::int64_t>(0, n - across + 1);
    const std::int64_t last = std::min(n, down - 1);
    const DeviceWave wave{static_cast<int>(last - first + 1), down - 1 - first, across - 1 - n + first, 1};
    for (std::int64_t k = 0; k < wave.count; ++k) {
      const std::int64_t row = (wave.first_panel - k) * q.height;
      const std::int64_t g = wave.first_group + k;
      take_on(queue, q, {row, std::min(q.height, q.rows - row), g * q.width, cols_of(g)});
    }
    code(wave);
  }
}

}  // namespace lq
