#include "quant/trellis/tile_coder.h"

#include <algorithm>
#include <array>

#include "quant/trellis/trellis_reference.h"

namespace lq {
namespace {

using backends::kTrellisSide;
using backends::kTrellisTile;

constexpr float kLeastImportance = 1e-4F;  // of a tile's largest

float importance_of(const TileTarget& target, std::int64_t i, std::int64_t j) {
  return (target.rows == nullptr ? 1.0F : target.rows[i]) * (target.cols == nullptr ? 1.0F : target.cols[j]);
}

}  // namespace

void TileCoder::code(const TilePlace& place, const TileTarget& target, TrellisStored& stored, float* units,
                     TrellisFit* fit) {
  std::array<float, kTrellisTile> wanted{};
  std::array<float, kTrellisTile> scales{};
  std::array<float, kTrellisTile> importance{};  // 0 beyond the matrix
  float most = 0.0F;
  for (std::int64_t j = 0; j < place.cols; ++j) {
    for (std::int64_t i = 0; i < place.rows; ++i) most = std::max(most, importance_of(target, i, j));
  }
  const std::int64_t block = place.col / config_.block;
  for (std::int64_t i = 0; i < place.rows; ++i) {
    const float scale = stored.scale((place.row + i) * stored.sizes.blocks + block);
    for (std::int64_t j = 0; j < place.cols; ++j) {
      const auto t = static_cast<std::size_t>(j * kTrellisSide + i);
      wanted[t] = target.targets[i * target.stride + j];
      scales[t] = scale;
      importance[t] = most > 0.0F ? std::max(importance_of(target, i, j) / most, kLeastImportance) : 1.0F;
    }
  }
  backends::TrellisSteps steps;
  backends::trellis_steps(scales.data(), wanted.data(), importance.data(), steps);
  std::array<std::uint16_t, kTrellisTile> states;
  search_.run(steps, states.data());
  const std::int64_t tile = place.row / kTrellisSide * stored.sizes.tiles + place.col / kTrellisSide;
  backends::trellis_pack(config_.bits, states.data(), stored.codes.data() + tile * 32 * config_.bits);
  for (std::int64_t i = 0; i < place.rows; ++i) {
    const auto index = static_cast<std::size_t>((place.row + i) * stored.sizes.blocks + block);
    for (std::int64_t j = 0; j < place.cols; ++j) {
      const auto t = static_cast<std::size_t>(j * kTrellisSide + i);
      const auto value = static_cast<float>(trellis_value(states[t]));
      if (units != nullptr) units[i * place.cols + j] = value;
      if (fit == nullptr) continue;
      const double weight = static_cast<double>(importance[t]) * most;
      fit->products[index] += weight * wanted[t] * value;
      fit->squares[index] += weight * value * value;
    }
  }
}

}  // namespace lq
