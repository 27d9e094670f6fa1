#include "train/moments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace lq {

// For each power of ten 10^-6 ... 10^0, evenly spaced fractions of [0.1, 1]: twice as many at each larger
// power.
DynamicTable::DynamicTable(bool is_signed) {
  constexpr int kPowers = 7;
  std::vector<double> all = {0.0, 1.0};
  for (int i = 0; i < kPowers; ++i) {
    const int count = 1 << (is_signed ? i : i + 1);
    for (int j = 0; j < count; ++j) {
      const double middle = 0.1 + 0.9 * (j + 0.5) / count;
      const double value = std::pow(10.0, i - (kPowers - 1)) * middle;
      all.push_back(value);
      if (is_signed) all.push_back(-value);
    }
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<float>(all[i]);
  for (std::size_t i = 0; i + 1 < values_.size(); ++i) middles_[i] = 0.5F * (values_[i] + values_[i + 1]);
  middles_.back() = std::numeric_limits<float>::infinity();
}

std::uint8_t DynamicTable::nearest(float x) const {
  // The number of middles at or below x.
  unsigned code = 0;
  for (unsigned step = 128; step > 0; step /= 2) {
    if (middles_[code + step - 1] <= x) code += step;
  }
  return static_cast<std::uint8_t>(code);
}

void decode_block(const DynamicTable& table, const std::uint8_t* codes, float scale, std::int64_t count,
                  float* values) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = table.value(codes[i]) * scale;
}

float encode_block(const DynamicTable& table, const float* values, std::int64_t count, std::uint8_t* codes) {
  float scale = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) scale = std::max(scale, std::abs(values[i]));
  // A subnormal scale has no finite inverse.
  const float inverse = scale >= std::numeric_limits<float>::min() ? 1.0F / scale : 0.0F;
  for (std::int64_t i = 0; i < count; ++i) codes[i] = table.nearest(values[i] * inverse);
  return scale;
}

}  // namespace lq
