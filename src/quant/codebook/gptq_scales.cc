#include "quant/codebook/gptq_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lq {
namespace {

constexpr float kRoom = 1.25F;

float absmax(const float* x, std::int64_t count) {
  float largest = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(x[i]));
  return std::min(largest, std::numeric_limits<float>::max());
}

}  // namespace

float gptq_group_targets(ThreadPool& pool, const CodebookConfig& config, const float* w, std::int64_t rows,
                         std::int64_t cols, std::vector<float>& targets) {
  const std::int64_t per_row = cols / config.block;
  targets.resize(static_cast<std::size_t>(rows * per_row));
  pool.run(rows, [&](std::int64_t i) {
    for (std::int64_t begin = 0; begin < cols; begin += kFeedbackTile) {
      const std::int64_t end = std::min(cols, begin + kFeedbackTile);
      const float largest = absmax(w + i * cols + begin, end - begin);
      std::fill(targets.begin() + i * per_row + begin / config.block,
                targets.begin() + i * per_row + end / config.block, largest);
    }
  });
  const float offset = *std::min_element(targets.begin(), targets.end()) / kRoom;
  for (float& target : targets) target = std::min(target, std::numeric_limits<float>::max() / kRoom) * kRoom;
  return offset;
}

FeedbackScales gptq_group_scales(const CodebookConfig& config, std::int64_t cols, float offset,
                                 const std::vector<float>& steps, std::vector<float>& scales,
                                 std::vector<std::uint8_t>& codes) {
  const float levels = static_cast<float>((1 << config.scale_bits) - 1);
  return [&, cols, offset, levels, block = config.block](std::int64_t row, std::int64_t col,
                                                         std::int64_t count, const float* targets) {
    const float wanted = absmax(targets, count) - offset;
    const std::int64_t first = (row * cols + col) / block;
    for (std::int64_t j = first; j < first + count / block; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const float u = steps[at] > 0.0F ? std::clamp(std::nearbyint(wanted / steps[at]), 0.0F, levels) : 0.0F;
      codes[at] = static_cast<std::uint8_t>(u);
      // As the format restores it (docs/formats/packed.md).
      scales[at] = std::min(offset + u * steps[at], std::numeric_limits<float>::max());
    }
  };
}

}  // namespace lq
