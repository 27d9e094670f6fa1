#include "quant/codebook/gptq_scales.h"

#include <algorithm>
#include <cmath>

#include "quant/codebook/feedback.h"

namespace lq {
namespace {

float absmax(const float* x, std::int64_t count) {
  float largest = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest;
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
  return *std::min_element(targets.begin(), targets.end());
}

}  // namespace lq
