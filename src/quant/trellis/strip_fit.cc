#include "quant/trellis/strip_fit.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lq {
namespace {

constexpr int kFitRounds = 2;

// out[j] += sum over k in [begin, end) of x[k] S[k, j], for j < end.
void add_product(const FactorBlock& s, std::int64_t begin, std::int64_t end, const float* x, double* out) {
  for (std::int64_t k = begin; k < end; ++k) {
    const double xk = x[k];
    const float* const row = s.data + k * s.stride;
    for (std::int64_t j = 0; j <= k; ++j) out[j] += xk * row[j];
  }
}

}  // namespace

void fit_row_scales(const FactorBlock& s, std::int64_t row, std::int64_t col, const float* wanted,
                    const float* before, const float* units, TrellisStored& stored) {
  const std::int64_t block = stored.config.block;
  const std::int64_t count = (s.order + block - 1) / block;
  const std::int64_t first = row * stored.sizes.blocks + col / block;
  const auto order = static_cast<std::size_t>(s.order);
  std::vector<double> left(before, before + s.order);  // of the norm's argument, at the scales there are
  std::vector<double> made(static_cast<std::size_t>(count) * order, 0.0);  // units of each block times S
  std::vector<float> errors(order);
  for (std::int64_t b = 0; b < count; ++b) {
    const std::int64_t end = std::min(s.order, (b + 1) * block);
    add_product(s, b * block, end, units, &made[static_cast<std::size_t>(b) * order]);
    const float scale = stored.scale(first + b);
    for (std::int64_t k = b * block; k < end; ++k) {
      errors[static_cast<std::size_t>(k)] = wanted[k] - units[k] * scale;
    }
  }
  add_product(s, 0, s.order, errors.data(), left.data());
  for (int round = 0; round < kFitRounds; ++round) {
    for (std::int64_t b = count - 1; b >= 0; --b) {
      const double* const of_block = &made[static_cast<std::size_t>(b) * order];
      double product = 0.0;
      double square = 0.0;
      for (std::size_t j = 0; j < order; ++j) {
        product += left[j] * of_block[j];
        square += of_block[j] * of_block[j];
      }
      const double step = stored.step(first + b);
      std::uint8_t& code = stored.scales[static_cast<std::size_t>(first + b)];
      const double wanted_code = code + product / square / step;
      if (!(step > 0.0) || !(square > 0.0) || !std::isfinite(wanted_code)) continue;
      const auto next = static_cast<std::uint8_t>(std::nearbyint(std::clamp(wanted_code, 0.0, 255.0)));
      const double change = (static_cast<double>(next) - code) * step;
      code = next;
      for (std::size_t j = 0; j < order; ++j) left[j] -= change * of_block[j];
    }
  }
}

}  // namespace lq
