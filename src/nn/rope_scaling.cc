#include "nn/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lq {
namespace {

// f32 steps as in transformers, so that angles at large positions agree.
std::vector<float> powers(double base, std::int64_t dim) {
  std::vector<float> result(static_cast<std::size_t>(dim / 2));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
    result[i] = std::pow(static_cast<float>(base), exponent);
  }
  return result;
}

void scale_llama3(const RopeConfig& c, std::vector<float>& inv) {
  const double context = static_cast<double>(c.original_positions);
  for (float& f : inv) {
    const double wavelength = 2.0 * std::numbers::pi / f;
    if (wavelength > context / c.low_freq_factor) {
      f = static_cast<float>(f / c.factor);
    } else if (wavelength >= context / c.high_freq_factor) {
      const double smooth =
          (context / wavelength - c.low_freq_factor) / (c.high_freq_factor - c.low_freq_factor);
      f = static_cast<float>((1.0 - smooth) * f / c.factor + smooth * f);
    }
  }
}

void scale_yarn(const RopeConfig& c, std::int64_t dim, std::vector<float>& inv) {
  // The dimension whose wave turns `rotations` times over the trained context.
  const auto dimension_of = [&](double rotations) {
    return static_cast<double>(dim) *
           std::log(static_cast<double>(c.original_positions) / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(c.theta));
  };
  double low = dimension_of(c.beta_fast);
  double high = dimension_of(c.beta_slow);
  if (c.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < inv.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    inv[i] = static_cast<float>(inv[i] / c.factor * ramp + inv[i] * (1.0 - ramp));
  }
}

}  // namespace

double yarn_attention_factor(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

double long_rope_attention_factor(double factor, std::int64_t original_positions) {
  if (factor <= 1.0) return 1.0;
  return std::sqrt(1.0 + std::log(factor) / std::log(static_cast<double>(original_positions)));
}

std::int64_t RopeConfig::dims(std::int64_t head_dim) const {
  if (share == 1.0) return head_dim;
  return static_cast<std::int64_t>(static_cast<double>(head_dim) * share) / 2 * 2;
}

std::vector<float> rope_frequencies(const RopeConfig& c, std::int64_t whole_head, std::int64_t length) {
  const std::int64_t head_dim = c.dims(whole_head);
  double base = c.theta;
  if (c.type == RopeType::kDynamic) {
    const auto trained = static_cast<double>(c.max_positions);
    const double stretch =
        c.factor * std::max(static_cast<double>(length), trained) / trained - (c.factor - 1.0);
    base *= std::pow(stretch, static_cast<double>(head_dim) / static_cast<double>(head_dim - 2));
  }
  std::vector<float> inv = powers(base, head_dim);
  for (float& f : inv) f = 1.0F / f;
  if (c.type == RopeType::kLinear) {
    for (float& f : inv) f /= static_cast<float>(c.factor);
  } else if (c.type == RopeType::kLlama3) {
    scale_llama3(c, inv);
  } else if (c.type == RopeType::kYarn) {
    scale_yarn(c, head_dim, inv);
  } else if (c.type == RopeType::kLongRope) {
    const std::vector<double>& factors = length > c.original_positions ? c.long_factor : c.short_factor;
    const std::vector<float> wave = powers(base, head_dim);
    for (std::size_t i = 0; i < inv.size(); ++i) inv[i] = 1.0F / (static_cast<float>(factors[i]) * wave[i]);
  }
  return inv;
}

}  // namespace lq
