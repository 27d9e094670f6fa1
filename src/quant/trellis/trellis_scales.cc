#include "quant/trellis/trellis_scales.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lq {
namespace {

// Standard deviation of a value: the square root of 4 (2^16 - 1) / 12.
constexpr double kValueDeviation = 147.801;
// For normal weights of deviation 1, 2, 3 and 4 bits, L = 12: the code's deviation w that leaves least of
// their squares, and what a code of deviation w >= kWidth leaves: kWide w^2 + kRest (kWidth / w)^1.2, fitted
// to measurements up to w = 5, within 3 % of them.
constexpr std::array kWidth = {1.035, 1.10, 1.15};
constexpr std::array kWide = {0.029, 0.0073, 0.0018};
constexpr std::array kRest = {0.042, 0.0103, 0.0027};
// Magnitudes up to here, in units of the code's deviation, cost no more than others.
constexpr double kReach = 2.8;
// Scales that are tried, each wider than the one before by the fourth root of 2.
constexpr int kTried = 16;

double block_scale(const TrellisConfig& config, const float* w, const float* importance, std::int64_t count) {
  const auto at = static_cast<std::size_t>(config.bits - 2);
  double total = 0.0;
  double square = 0.0;
  double largest = 0.0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double weight = importance == nullptr ? 1.0 : importance[k];
    const double x = w[k];
    total += weight;
    square += weight * x * x;
    largest = std::max(largest, std::abs(x));
  }
  if (!(total > 0.0)) {  // nothing matters: as if all did
    return importance == nullptr ? 0.0 : block_scale(config, w, nullptr, count);
  }
  const double least = kWidth[at] * std::sqrt(square / total);
  if (least == 0.0) return 0.0;
  double best = least;
  double best_error = HUGE_VAL;
  double width = least;
  for (int i = 0; i < kTried; ++i, width *= std::pow(2.0, 0.25)) {
    double beyond = 0.0;
    const double reach = kReach * width;
    if (largest > reach) {
      for (std::int64_t k = 0; k < count; ++k) {
        const double excess = std::max(0.0, std::abs(static_cast<double>(w[k])) - reach);
        beyond += (importance == nullptr ? 1.0 : importance[k]) * excess * excess;
      }
    }
    const double rest = kRest[at] * square * std::pow(least / width, 1.2);
    const double error = total * kWide[at] * width * width + rest + beyond;
    if (error < best_error) {
      best_error = error;
      best = width;
    }
    if (beyond == 0.0) break;  // wider ones only err more
  }
  return best / kValueDeviation;
}

}  // namespace

std::vector<float> trellis_scale_targets(ThreadPool& pool, const TrellisConfig& config, const float* w,
                                         std::int64_t rows, std::int64_t cols, const ErrorWeights& weights) {
  const std::int64_t blocks = (cols + config.block - 1) / config.block;
  std::vector<float> targets(static_cast<std::size_t>(rows * blocks));
  const double most = trellis_most_scale();
  parallel_for(pool, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t col = b * config.block;
        const float* const importance = weights.cols == nullptr ? nullptr : weights.cols + col;
        const double scale = block_scale(config, w + i * cols + col, importance,
                                         std::min<std::int64_t>(config.block, cols - col));
        targets[static_cast<std::size_t>(i * blocks + b)] = static_cast<float>(std::min(scale, most));
      }
    }
  });
  return targets;
}

void store_trellis_scales(const std::vector<float>& targets, TrellisStored& stored) {
  stored.offset = *std::min_element(targets.begin(), targets.end());
  const auto count = static_cast<std::int64_t>(targets.size());
  for (std::int64_t first = 0; first < count; first += backends::kTrellisBlocks2) {
    const std::int64_t last = std::min<std::int64_t>(count, first + backends::kTrellisBlocks2);
    const float largest = *std::max_element(targets.begin() + first, targets.begin() + last);
    stored.scales2[static_cast<std::size_t>(first / backends::kTrellisBlocks2)] = largest - stored.offset;
    const float step = stored.step(first);
    for (std::int64_t j = first; j < last; ++j) {
      const float above = targets[static_cast<std::size_t>(j)] - stored.offset;
      const float code = step > 0.0F ? std::nearbyint(std::min(above / step, 255.0F)) : 0.0F;
      stored.scales[static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(code);
    }
  }
}

void refit_trellis_scales(const TrellisFit& fit, TrellisStored& stored) {
  for (std::size_t j = 0; j < stored.scales.size(); ++j) {
    const double step = stored.step(static_cast<std::int64_t>(j));
    if (!(fit.squares[j] > 0.0) || !(step > 0.0)) continue;
    const double code = (fit.products[j] / fit.squares[j] - stored.offset) / step;
    if (std::isfinite(code)) {
      stored.scales[j] = static_cast<std::uint8_t>(std::nearbyint(std::clamp(code, 0.0, 255.0)));
    }
  }
}

}  // namespace lq
